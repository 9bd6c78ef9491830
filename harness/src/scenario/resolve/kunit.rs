//! The names of KUnit suites.

use crate::grammar::{At, Checked, Fault, Scalar};

/// The longest name of a suite; KUnit takes 256 with the zero at its end.
const MAX_NAME: usize = 255;

pub(super) fn resolve(raw: &[At<Scalar>]) -> Checked<Vec<String>> {
    let mut suites: Vec<String> = Vec::new();
    for value in raw {
        let name = &value.value.0;
        let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(sound) {
            return Err(Fault::at(value, format!("'{name}' cannot name a KUnit suite")).help(
                "a suite's name is that of its `struct kunit_suite`: damon, damon-operations, damon-sysfs",
            ));
        }
        if suites.contains(name) {
            return Err(Fault::at(value, format!("'{name}' is here twice")));
        }
        suites.push(name.clone());
    }
    Ok(suites)
}
