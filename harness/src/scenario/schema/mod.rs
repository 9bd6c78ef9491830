//! The JSON Schema of scenarios, for editors and programs that write scenarios. The shapes that the reader uses describe
//! themselves; the words of keys come from the lists of the checks, descriptions from `docs/scenarios.md`, and `limits.json`
//! has what the checks refuse and a schema can say.
//!
//! It accepts every scenario that the reader accepts, and some that the reader refuses, because much of a scenario is only right or wrong together
//! with the rest of it.

mod assemble;
mod descriptions;
#[cfg(test)]
mod tests;

pub use assemble::schema;
