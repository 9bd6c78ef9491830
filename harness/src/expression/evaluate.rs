//! The value of an expression for one event.

use super::parse::Expression;
use crate::host::deep_stack::with_deep_stack;
use crate::host::text::excerpt;
use crate::trace::Value;
use cel::{Context, Env, ExecutionError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many steps evaluations may take yet, all together.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Budget {
    /// Some seconds of a release build: ten comparisons for each of a million events.
    const STEPS: u64 = 200_000_000;

    /// That of one recording.
    pub fn new() -> Budget {
        Budget(AtomicU64::new(Budget::STEPS))
    }

    fn take(&self, steps: u64) -> bool {
        let left = self.0.load(Ordering::Relaxed).checked_sub(steps);
        self.0.store(left.unwrap_or(0), Ordering::Relaxed);
        left.is_some()
    }

    /// Whether nothing is left.
    pub fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new()
    }
}

/// Evaluates expressions.
pub struct Evaluator<'a> {
    env: Arc<Env>,
    budget: &'a Budget,
}

impl<'a> Evaluator<'a> {
    /// Does `work` with an evaluator that takes its steps from `budget`, on a stack that is deep enough for it.
    ///
    /// # Errors
    /// The evaluation panicked.
    pub fn run<T: Send>(
        budget: &Budget,
        work: impl FnOnce(&Evaluator<'_>) -> T + Send,
    ) -> Result<T, &'static str> {
        with_deep_stack(|| work(&Evaluator { env: Arc::new(Env::stdlib()), budget }))
    }

    /// Whether the budget is used up.
    pub fn is_used_up(&self) -> bool {
        self.budget.is_used_up()
    }

    /// Whether the expression is true, with these values of its names. It must have been checked.
    ///
    /// # Errors
    /// Why it has no value: a number out of its range, a division by zero, an index that the list does not have; or the
    /// budget is used up.
    pub fn holds(
        &self,
        expression: &Expression,
        value: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<bool, String> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        let mut steps = expression.nodes();
        for name in expression.names() {
            let (value, more) =
                given(value(name).ok_or_else(|| format!("{} has no value here", excerpt(name)))?);
            // Each part of the expression may read a list from its beginning to its end.
            steps = steps.saturating_add(more.saturating_mul(expression.nodes()));
            context.add_variable_from_value(name, value);
        }
        if !self.budget.take(steps) {
            return Err("there are too many events to evaluate it".to_owned());
        }
        match context.resolve(expression.root()) {
            Ok(cel::Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err("it is neither true nor false".to_owned()),
            Err(error) => Err(why(&error)),
        }
    }
}

/// CEL's own reasons, in whole sentences.
fn why(error: &ExecutionError) -> String {
    match error {
        ExecutionError::Overflow(..) => "a number leaves the range of its type".to_owned(),
        ExecutionError::FunctionError { function, .. } if matches!(function.as_str(), "int" | "uint") => {
            format!("{function}() of a number that is out of its range")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a division by zero".to_owned()
        }
        ExecutionError::IndexOutOfBounds(_) => "an index that the list does not have".to_owned(),
        ExecutionError::UndeclaredReference(name) => format!("{} has no value here", excerpt(name)),
        other => excerpt(&other.to_string()),
    }
}

/// The value for the evaluation, and how many steps whoever reads it takes.
fn given(value: Value) -> (cel::Value, u64) {
    let list = |items: Vec<cel::Value>| {
        let steps = items.len() as u64;
        (cel::Value::List(items.into()), steps)
    };
    match value {
        Value::Unsigned(value) => (cel::Value::UInt(value), 1),
        Value::Signed(value) => (cel::Value::Int(value), 1),
        Value::Text(text) => (cel::Value::String(text.into()), 1),
        Value::Words(words) => list(words.into_iter().map(|word| cel::Value::String(word.into())).collect()),
        Value::UnsignedList(items) => list(items.into_iter().map(cel::Value::UInt).collect()),
        Value::SignedList(items) => list(items.into_iter().map(cel::Value::Int).collect()),
    }
}
