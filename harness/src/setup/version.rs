//! Version numbers as tools print them, compared number by number.

use std::fmt;

/// A dotted version: `9.0`, `10.0.2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl Version {
    /// A version of two numbers.
    pub fn of(major: u32, minor: u32) -> Version {
        Version(vec![major, minor])
    }

    /// The first version in `text`: digits, a dot, digits.
    ///
    /// A Debian epoch (`1:7.2`) is skipped, because `1` is not followed by a dot.
    pub fn find(text: &str) -> Option<Version> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.')
            .map(|number| number.trim_matches('.'))
            .filter(|number| number.contains('.'))
            .find_map(|number| {
                number.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().map(Version)
            })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_a_tool_prints() {
        for (text, version) in [
            ("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)", "10.0.2"),
            ("1:7.2+dfsg-7+deb12u18+b2", "7.2"),
            ("virtme_ng-1.42.dist-info", "1.42"),
        ] {
            assert_eq!(Version::find(text).unwrap().to_string(), version);
        }
        assert_eq!(Version::find("(none)"), None);
    }

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(Version::find("10.0").unwrap() > Version::of(9, 0));
        assert!(Version::find("9.0.1").unwrap() > Version::of(9, 0));
        assert!(Version::find("8.2.2").unwrap() < Version::of(9, 0));
    }
}
