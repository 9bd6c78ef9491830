//! The plan as an fw_cfg item of QEMU: JSON, padded with zeros to a size that all plans share.
//!
//! The kernel of a saved guest has read the sizes of all items, so the item must have the same size when the guest is
//! restored, whatever the plan.

use damonlab_protocol::plan::Plan;
use std::io;

/// The size of most items; most plans have a few KiB. A larger plan gets the next power of two, and its own checkpoint.
const SIZE: usize = 64 << 10;

/// The bytes of the item. At least one zero follows the JSON: the guest reads up to it.
pub(super) fn item(plan: &Plan) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(plan)?;
    bytes.resize(SIZE.max((bytes.len() + 1).next_power_of_two()), 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn plan(name: &str) -> Plan {
        let path = crate::bundled::home().join("scenarios/pull-push.yaml");
        Plan { scenario: name.to_owned(), ..Scenario::load(&path).unwrap().plan(0, Default::default()) }
    }

    #[test]
    fn items_of_usual_plans_have_one_size() {
        assert_eq!(item(&plan("a")).unwrap().len(), SIZE);
        assert_eq!(item(&plan(&"a".repeat(50_000))).unwrap().len(), SIZE);
    }

    #[test]
    fn the_item_of_a_larger_plan_ends_with_a_zero() {
        let bytes = item(&plan(&"a".repeat(SIZE))).unwrap();
        assert_eq!((bytes.len(), bytes.last()), (2 * SIZE, Some(&0)));
    }
}
