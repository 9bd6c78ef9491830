//! What the YAML of scenarios, machines and DAMON configurations is made of: values with a unit and a place, the names that
//! a file introduces, and errors that show the line.
//!
//! It knows no key and no subject; those who describe one import from here.

pub(crate) mod amount;
mod errno;
mod fault;
mod file_value;
mod keys;
mod names;
mod scalar;
mod schema;
mod shape;
pub(crate) mod suggest;

pub(crate) use errno::{ERRNOS, errno};
pub use fault::Wrong;
pub(crate) use fault::{Checked, Fault};
pub(crate) use file_value::file_value;
pub(crate) use keys::keys_of;
pub(crate) use names::Names;
pub(crate) use scalar::{
    Bp, Flag, Given, Leaf, Node, Number, Permil, Rate, Scalar, Share, Signed, Size, Time, bounded,
    deserialize_leaf, leaf, leaf_schema, text, text_or,
};
pub(crate) use schema::{Definitions, Described, Field, KeywordKind, Keywords, describe, mapping, or_null};
pub(crate) use shape::{At, read, shapes};
pub(crate) use suggest::{among, nearest, or_list};
