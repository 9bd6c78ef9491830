//! What a machine needs of QEMU, in terms that QEMU can be asked about. A version would not do: builds leave
//! things out, and distributions backport.

use super::{Argv, QemuOption};
use std::fmt;

/// Something that a QEMU may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// A machine type, by its alias.
    Machine(&'static str),
    /// A property of the machine.
    MachineProperty(&'static str),
    /// A device's type.
    Device(&'static str),
    /// A device's type and a property of it.
    DeviceProperty(&'static str, &'static str),
    /// The type of an object that `-object` makes.
    Object(&'static str),
}

/// A feature, and what needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QemuFeature {
    /// What it is for; several features may be for one purpose.
    pub purpose: &'static str,
    /// What QEMU must have.
    pub feature: Feature,
    /// What asks for it in a scenario.
    pub asked_by: &'static str,
}

const fn need(purpose: &'static str, feature: Feature, asked_by: &'static str) -> QemuFeature {
    QemuFeature { purpose, feature, asked_by }
}

const CXL: &str = "CXL";
const SWITCH: &str = "CXL switches";

/// All that any machine could need.
pub const NEEDS: &[QemuFeature] = &[
    need("q35 machines", Feature::Machine("q35"), "every machine"),
    need("q35 machines", Feature::Object("memory-backend-ram"), "every machine"),
    need("HMAT", Feature::MachineProperty("hmat"), "`from`"),
    need(
        "a 4 GiB hole of any size",
        Feature::MachineProperty("max-ram-below-4g"),
        "`soft_reserved` or `below_4g`",
    ),
    need(CXL, Feature::MachineProperty("cxl"), "`cxl`"),
    need(CXL, Feature::MachineProperty("cxl-fmw"), "`cxl`"),
    need(CXL, Feature::Device("pxb-cxl"), "`cxl`"),
    need(CXL, Feature::Device("cxl-rp"), "`cxl`"),
    need(CXL, Feature::Device("cxl-type3"), "`cxl`"),
    need(CXL, Feature::DeviceProperty("cxl-type3", "volatile-memdev"), "`cxl`"),
    need(CXL, Feature::DeviceProperty("cxl-type3", "sn"), "`cxl`"),
    need(SWITCH, Feature::Device("cxl-upstream"), "`across: switch`"),
    need(SWITCH, Feature::Device("cxl-downstream"), "`across: switch`"),
    need("CXL generic ports", Feature::Object("acpi-generic-port"), "`port`"),
];

impl Argv {
    /// What this machine needs, in the order of [`NEEDS`].
    pub fn needs(&self) -> impl Iterator<Item = &'static QemuFeature> {
        NEEDS.iter().filter(|need| self.options().any(|option| need.feature.is_used_by(&option)))
    }
}

impl Feature {
    fn is_used_by(self, option: &QemuOption<'_>) -> bool {
        let made = |name: &str, kind: &str| option.name == name && option.kind() == Some(kind);
        match self {
            Feature::Machine(kind) => made("-machine", kind),
            // `cxl-fmw.0.size` is a part of `cxl-fmw`.
            Feature::MachineProperty(wanted) => {
                let whole = |(key, _): (&str, &str)| key.split('.').next() == Some(wanted);
                option.name == "-machine" && option.properties().any(whole)
            }
            Feature::Device(kind) => made("-device", kind),
            Feature::DeviceProperty(kind, key) => made("-device", kind) && option.property(key).is_some(),
            Feature::Object(kind) => made("-object", kind),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Feature::Machine(kind) => write!(f, "machine {kind}"),
            Feature::MachineProperty(key) => write!(f, "machine property {key}"),
            Feature::Device(kind) => write!(f, "device {kind}"),
            Feature::DeviceProperty(kind, key) => write!(f, "device {kind} with {key}"),
            Feature::Object(kind) => write!(f, "object {kind}"),
        }
    }
}

impl fmt::Display for QemuFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.purpose, self.feature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::scenario::machine_of;
    use std::collections::BTreeSet;

    fn purposes(yaml: &str) -> Vec<&'static str> {
        let mut purposes: Vec<_> = argv(yaml).needs().map(|need| need.purpose).collect();
        purposes.dedup();
        purposes
    }

    fn argv(yaml: &str) -> Argv {
        Machine::new(&machine_of(yaml)).unwrap().argv
    }

    const DRAM: &str = "nodes: [{id: 0, memory: 256M, cpus: [0]}]";

    #[test]
    fn a_machine_needs_what_it_uses_and_no_more() {
        let slow = "nodes: [{id: 0, memory: 256M, cpus: [0]}, {id: 1, memory: 128M, from: {node: 0, \
                    latency: 300ns, bandwidth: 5G}}]";
        assert_eq!(purposes(DRAM), ["q35 machines"]);
        assert_eq!(purposes(slow), ["q35 machines", "HMAT"]);
        assert_eq!(purposes(&format!("{DRAM}\ncxl: [{{node: 1, size: 256M}}]")), ["q35 machines", "CXL"]);
        let port = "{node: 0, latency: 150ns, bandwidth: 8G}";
        let switch = format!("{DRAM}\ncxl: [{{node: 1, size: 256M, across: switch, port: {port}}}]");
        let found: BTreeSet<_> = purposes(&switch).into_iter().collect();
        assert!(["HMAT", "CXL", "CXL switches", "CXL generic ports"].iter().all(|one| found.contains(one)));
    }

    #[test]
    fn no_feature_is_listed_twice() {
        let features: BTreeSet<Feature> = NEEDS.iter().map(|need| need.feature).collect();
        assert_eq!(features.len(), NEEDS.len());
    }
}
