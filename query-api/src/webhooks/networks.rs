//! Addresses that messages may be sent to: public ones, and those that operators allow. Pure.
//!
//! Whoever may change an organization's settings chooses a name, and this service's host connects to what it means. Without this, that
//! could be a database behind the firewall, this service's own admin address, or a cloud's metadata.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use ipnet::IpNet;

/// IPv4 addresses that are not public: IANA's registry of special purposes, and multicast.
const SPECIAL_V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// IPv6 addresses that are not public though they are global unicast: protocols' own, tunnels, documentation.
const SPECIAL_V6: [([u16; 2], u8); 4] =
    [([0x2001, 0], 23), ([0x2001, 0xdb8], 32), ([0x2002, 0], 16), ([0x3fff, 0], 20)];

/// Global unicast: all other IPv6 addresses are of one host, one network, or of nobody.
const UNICAST_V6: ([u16; 2], u8) = ([0x2000, 0], 3);

/// How addresses begin that a translator makes of IPv4 addresses (RFC 6052): what is meant is the IPv4 address.
const TRANSLATED: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// The networks that are allowed beside the public ones.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Public addresses, and these networks.
    #[must_use]
    pub const fn new(allowed: Vec<IpNet>) -> Self {
        Self(allowed)
    }

    /// Whether a message may be sent to the address.
    #[must_use]
    pub fn allow(&self, address: IpAddr) -> bool {
        let meant = meant(address);
        is_public(meant)
            || self.0.iter().any(|network| network.contains(&address) || network.contains(&meant))
    }
}

/// The IPv4 address, if the address is one in another form.
fn meant(address: IpAddr) -> IpAddr {
    let address = address.to_canonical();
    match address {
        IpAddr::V6(v6) if v6.segments().starts_with(&TRANSLATED) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let within = |(network, length): &([u8; 4], u8)| {
                let shift = 32 - u32::from(*length);
                v4.to_bits() >> shift == Ipv4Addr::from(*network).to_bits() >> shift
            };
            !SPECIAL_V4.iter().any(within)
        }
        IpAddr::V6(v6) => {
            let within = |([a, b], length): &([u16; 2], u8)| {
                let network = Ipv6Addr::new(*a, *b, 0, 0, 0, 0, 0, 0);
                let shift = 128 - u32::from(*length);
                v6.to_bits() >> shift == network.to_bits() >> shift
            };
            within(&UNICAST_V6) && !SPECIAL_V6.iter().any(within)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allows(allowed: &str, address: &str) -> bool {
        let allowed = allowed.split(',').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap());
        Networks::new(allowed.collect()).allow(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_allowed() {
        for address in
            ["8.8.8.8", "1.1.1.1", "192.0.1.1", "172.15.9.9", "2606:4700::1", "2a00::1", "64:ff9b::808:808"]
        {
            assert!(allows("", address), "{address}");
        }
    }

    #[test]
    fn private_loopback_link_local_and_metadata_addresses_are_not() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
        ] {
            assert!(!allows("", address), "{address}");
        }
    }

    #[test]
    fn networks_are_allowed_by_name() {
        assert!(allows("10.20.0.0/16,127.0.0.0/8", "10.20.3.4"));
        assert!(allows("10.20.0.0/16,127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(!allows("10.20.0.0/16", "10.21.0.1"));
        assert!(allows("fd00::/8", "fd12::1"));
        assert!(!allows("fd00::/8", "fc00::1"));
    }

    proptest! {
        #[test]
        fn another_form_of_an_address_is_allowed_if_the_address_is(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let allow = |address: IpAddr| Networks::default().allow(address);
            let [a, b] = [bits >> 16, bits & 0xffff].map(|half| half as u16);
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b);
            prop_assert_eq!(allow(v4.into()), allow(v4.to_ipv6_mapped().into()));
            prop_assert_eq!(allow(v4.into()), allow(translated.into()));
        }
    }
}
