//! What goes wrong in the agent and ends up in the report.

use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::record::GuestReport;

/// An error on its way to the report, where it is only text.
pub type Failure = Box<dyn std::error::Error>;

/// The failure for a feature that the kernel does not have. The report names the feature itself too.
pub fn missing(feature: MissingFeature, report: &mut GuestReport) -> Failure {
    report.missing = Some(feature.clone());
    feature.into()
}
