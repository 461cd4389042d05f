//! The names of images: `images.env` has them, and all others agree.

use super::{assignments, deployed, yaml};
use crate::none;
use std::collections::BTreeMap;

#[test]
fn every_image_has_the_name_that_the_file_of_images_says() {
    let images: BTreeMap<String, String> = assignments(&deployed("images.env")).into_iter().collect();
    assert!(images.len() > 5, "{images:?}");
    let mut complaints = of_containerfile(&deployed("Containerfile"), &images);
    complaints.extend(of_compose(&deployed("compose.yaml"), &images));
    let values = yaml("helm/business-metrics/values.yaml");
    for (image, variable) in [("postgres", "POSTGRES_IMAGE"), ("busybox", "BUSYBOX_IMAGE")] {
        let text = |field: &str| values["images"][image][field].as_str().unwrap_or_default().to_owned();
        let name = format!("{}:{}", text("repository"), text("tag"));
        complaints.extend(differs(&images, "values.yaml", variable, &name));
    }
    none(complaints);
}

#[test]
fn a_name_that_differs_is_found() {
    let images = BTreeMap::from([("A_IMAGE".to_owned(), "a:1".to_owned())]);
    let check = |text: &str, complaints: usize| {
        assert_eq!(of_compose(text, &images).len(), complaints, "{text}");
    };
    check("image: ${A_IMAGE:-a:1}", 0);
    check("image: ${A_IMAGE:-a:2}", 1);
    check("image: ${B_IMAGE:-a:1}", 1);
    check("image: a:1", 1);
    check("image: business-metrics/consumer", 0);
    let check = |text: &str, complaints: usize| {
        assert_eq!(of_containerfile(text, &images).len(), complaints, "{text}");
    };
    check("ARG A_IMAGE=a:1\nFROM ${A_IMAGE} AS b\nFROM scratch\nFROM b AS c", 0);
    check("ARG A_IMAGE=a:2", 1);
    check("FROM docker.io/a:1 AS b", 1);
}

/// Arguments with another default, and bases that are no argument, no stage and not empty.
fn of_containerfile(text: &str, images: &BTreeMap<String, String>) -> Vec<String> {
    let arguments = text.lines().filter_map(|line| line.strip_prefix("ARG ")?.split_once('='));
    let of_images = arguments.filter(|(name, _)| name.ends_with("_IMAGE"));
    let differ = of_images.filter_map(|(name, default)| differs(images, "Containerfile", name, default));
    let bases = text.lines().filter_map(|line| line.strip_prefix("FROM ")?.split(' ').next());
    let unnamed = bases.filter(|base| base.contains(['/', ':']) && !base.starts_with("${"));
    differ.chain(unnamed.map(|base| format!("Containerfile: {base} is no argument"))).collect()
}

/// Images that are not ours, and have no name or another one.
fn of_compose(text: &str, images: &BTreeMap<String, String>) -> Vec<String> {
    let named = text.lines().filter_map(|line| line.trim_start().strip_prefix("image: "));
    let named = named.filter(|image| !image.starts_with("business-metrics/"));
    let complaint = |image: &str| {
        let inside = image.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        match inside.and_then(|inside| inside.split_once(":-")) {
            Some((name, default)) => differs(images, "compose.yaml", name, default),
            None => Some(format!("compose.yaml: {image} can't be pinned by images.env")),
        }
    };
    named.filter_map(complaint).collect()
}

fn differs(images: &BTreeMap<String, String>, place: &str, name: &str, said: &str) -> Option<String> {
    let meant = images.get(name).map_or("no image", String::as_str);
    (meant != said).then(|| format!("{place}: {name} is {said}, and {meant} in images.env"))
}
