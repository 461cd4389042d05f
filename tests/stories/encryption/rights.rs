//! Kafka's rights: members and each command have enough with the documented ones, and say which one they lack.

use super::kafka::{MEMBER, OPERATOR, World};
use super::tells;
use crate::telling::{plain, yesterday};
use load::Message;
use tests::{Ended, Operation, Resource};

#[tokio::test]
async fn a_member_without_one_of_its_rights_says_which() {
    let Some(world) = World::start().await else { return };
    world.allow_member(MEMBER).await;
    for (operation, resource) in world.of_members() {
        world.stack.allow_no_more(MEMBER, operation, resource).await;
        let mut member = world.by_password(MEMBER).start().await;
        // The layouts' topic is called by its setting.
        let name =
            if resource.name() == world.stack.layouts_topic() { "LAYOUTS_TOPIC" } else { resource.name() };
        tells(&member, &[name, "READ"]).await;
        world.stack.allow(MEMBER, operation, resource).await;
        member.until_ready().await;
        assert_eq!(member.stop().await, Some(0));
    }
}

/// Counts what there is to count.
async fn count(world: &World) {
    let member = world.by_password(MEMBER).start().await;
    world.stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
}

/// A command and the rights that it needs.
struct Case<'a> {
    args: Vec<&'a str>,
    needs: Vec<(Operation, Resource<'a>)>,
}

impl Case<'_> {
    async fn run(&self, world: &World) -> Ended {
        world.by_password(OPERATOR).command(&self.args).run().await
    }

    /// Without each one of its rights the command names that; with all of them it does its work.
    async fn check(&self, world: &World) {
        for (operation, resource) in &self.needs {
            world.stack.allow(OPERATOR, *operation, *resource).await;
        }
        for (operation, resource) in &self.needs {
            world.stack.allow_no_more(OPERATOR, *operation, *resource).await;
            let lacking = self.run(world).await;
            let words = [operation.name(), resource.name()];
            let says = words.iter().all(|word| lacking.errors.contains(word));
            assert!(says, "{:?} without {words:?}: {lacking:#?}", self.args);
            world.stack.allow(OPERATOR, *operation, *resource).await;
        }
        let done = self.run(world).await;
        assert_eq!(done.code, Some(0), "{:?}: {done:#?}", self.args);
        for (operation, resource) in &self.needs {
            world.stack.allow_no_more(OPERATOR, *operation, *resource).await;
        }
    }
}

#[tokio::test]
async fn each_command_needs_the_documented_rights_and_names_the_one_it_lacks() {
    use Operation::{Alter, Create, Describe, Read, Write};
    let Some(world) = World::start().await else { return };
    let stack = &world.stack;
    world.allow_member(MEMBER).await;
    let bad = Message::order("acme", "", yesterday());
    stack.produce(plain([bad, Message::order("acme", "o1", yesterday())])).await;
    count(&world).await;

    let topics = stack.topics();
    let (events, layouts) = (&*topics.events, stack.layouts_topic());
    let (topic, ends) = (Resource::Topic(events), Resource::Topic(&layouts));
    let (runs, group) = (&*topics.workflow_terminals, Resource::Group(stack.name()));
    let all = topics.all().map(|topic| (Read, Resource::Topic(topic)));
    let change = ["layout", "change", "--topic", events, "--partitions", "5", "--quiet-for", "100ms"];
    let change = [&change[..], &["--learn-for", "100ms"]].concat();
    let reset = ["progress", "reset", "--topic", events, "--to", "earliest", "--dry-run"];
    let cases = [
        (vec!["progress", "show", "--topic", events], vec![(Describe, topic)]),
        (vec!["check-topic", "--topic", runs], vec![(Read, Resource::Topic(runs))]),
        (vec!["recount"], all.to_vec()),
        (reset.to_vec(), vec![(Describe, topic), (Describe, group)]),
        ([&change[..], &["--dry-run"]].concat(), vec![(Alter, topic), (Read, ends), (Create, ends)]),
        (vec!["dead-letters", "redrive", "--all"], vec![(Write, topic)]),
    ];
    for (args, needs) in cases {
        Case { args, needs }.check(&world).await;
    }

    let lacking = world.by_password(OPERATOR).command(&change).run().await;
    let needs = [format!("ALTER on the topic {events}"), format!("READ on the topic {layouts}")];
    let says = needs.iter().all(|right| lacking.errors.contains(right));
    assert!(says && lacking.errors.contains("nothing is changed"), "all rights at once: {lacking:#?}");

    // What was redriven is refused again; a layout changes once everything is counted.
    count(&world).await;
    let rights = [(Alter, topic), (Read, ends), (Write, ends), (Create, ends)];
    for (operation, resource) in rights {
        stack.allow(OPERATOR, operation, resource).await;
    }
    let changed = world.by_password(OPERATOR).command(&change).run().await;
    assert_eq!(changed.code, Some(0), "{changed:#?}");
    for (operation, resource) in rights {
        stack.allow_no_more(OPERATOR, operation, resource).await;
    }
    for command in ["announce", "show"] {
        let args = vec!["layout", command, "--topic", events];
        Case { args, needs: vec![(Describe, topic), (Read, ends)] }.check(&world).await;
    }
}
