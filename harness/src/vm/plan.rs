//! The plan as QEMU's fw_cfg item: JSON, and zeros up to a size that all plans share.
//!
//! The guest's kernel has read the sizes of all items when it is saved, so an item must have the same size
//! when it is started again, whatever the plan.

use damonlab_protocol::plan::Plan;
use std::io;

/// Most plans have a few KiB. A larger one takes the next power of two, and a checkpoint of its own.
const SIZE: usize = 64 << 10;

/// The item's bytes. There is a zero after the JSON: the guest reads up to it.
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
        let path = crate::host::paths::project().join("scenarios/pull-push.yaml");
        Plan { scenario: name.to_owned(), ..Scenario::load(&path).unwrap().plan(0, Default::default()) }
    }

    #[test]
    fn plans_of_all_usual_lengths_have_one_size() {
        assert_eq!(item(&plan("a")).unwrap().len(), SIZE);
        assert_eq!(item(&plan(&"a".repeat(50_000))).unwrap().len(), SIZE);
    }

    #[test]
    fn a_larger_plan_keeps_a_zero_at_its_end() {
        let bytes = item(&plan(&"a".repeat(SIZE))).unwrap();
        assert_eq!((bytes.len(), bytes.last()), (2 * SIZE, Some(&0)));
    }
}
