//! An argument of a `print fmt`.

use super::int::{Int, IntType};

/// The values of `__print_symbolic` or `__print_flags`, each with its name, in order.
pub(crate) type Table = Vec<(u64, String)>;

/// A C expression over the fields of a record. A field is its place in the format.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Number(Int),
    Text(String),
    /// `REC->field`, `__get_str(field)`, `__get_dynamic_array(field)`.
    Field(usize),
    /// `REC->field[index]`.
    Item(usize, Box<Expr>),
    /// `__get_dynamic_array_len(field)`, in bytes.
    Length(usize),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Cast(IntType, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `__print_symbolic(value, table)`.
    Symbolic(Box<Expr>, Table),
    /// `__print_flags(value, delimiter, table)`.
    Flags(Box<Expr>, String, Table),
    /// `__print_hex(bytes, length)` and, without blanks, `__print_hex_str`.
    Hex {
        bytes: Box<Expr>,
        length: Box<Expr>,
        blanks: bool,
    },
    /// `__print_array(bytes, count, size)`.
    Array {
        bytes: Box<Expr>,
        count: Box<Expr>,
        size: Box<Expr>,
    },
}

impl Expr {
    /// The value, if it is a constant.
    pub(super) fn number(&self) -> Option<Int> {
        if let Expr::Number(number) = self { Some(*number) } else { None }
    }

    /// An operator before one operand, computed if that is a constant.
    pub(super) fn unary(operator: &'static str, operand: Expr) -> Option<Expr> {
        match operand.number() {
            Some(number) => number.unary(operator).map(Expr::Number),
            None => Some(Expr::Unary(operator, Box::new(operand))),
        }
    }

    /// An operator between two operands, computed if they are constants.
    pub(super) fn binary(operator: &'static str, left: Expr, right: Expr) -> Option<Expr> {
        match (left.number(), right.number()) {
            (Some(one), Some(other)) => one.binary(operator, other).map(Expr::Number),
            _ => Some(Expr::Binary(operator, Box::new(left), Box::new(right))),
        }
    }

    pub(super) fn cast(ty: IntType, operand: Expr) -> Expr {
        match operand.number() {
            Some(number) => Expr::Number(number.cast(ty)),
            None => Expr::Cast(ty, Box::new(operand)),
        }
    }

    /// The field whose value this is, unchanged.
    pub(super) fn plain(&self) -> Option<usize> {
        match self {
            Expr::Field(field) => Some(*field),
            Expr::Cast(_, operand) => operand.plain(),
            _ => None,
        }
    }

    /// The field of which this shows the value, by number or by name.
    pub(super) fn shown(&self) -> Option<usize> {
        match self {
            Expr::Symbolic(value, _) | Expr::Flags(value, _, _) => value.plain(),
            Expr::Hex { bytes, .. } | Expr::Array { bytes, .. } => bytes.plain(),
            // `flags ? __print_flags(flags, ...) : "none"`
            Expr::Choice(condition, then, _) if condition.plain() == then.shown() => then.shown(),
            other => other.plain(),
        }
    }

    /// What names the value of the field that it shows: symbols (`false`) or flags (`true`).
    pub(super) fn table(&self) -> Option<(bool, &Table)> {
        match self {
            Expr::Symbolic(_, table) => Some((false, table)),
            Expr::Flags(_, _, table) => Some((true, table)),
            Expr::Choice(_, then, _) => then.table(),
            _ => None,
        }
    }
}
