//! The types of an expression: each operator has the operands that it is for, and each name is one.

use super::parse::{Expression, Mistake};
use crate::grammar::among;
use crate::trace::Kind;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use std::fmt;

/// The type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A number with a sign, 64 bits.
    Int,
    /// A number without a sign, 64 bits.
    Uint,
    /// A text.
    Text,
    /// Numbers.
    Numbers {
        /// Whether they have a sign.
        signed: bool,
    },
    /// Texts.
    Texts,
}

/// The names that an expression may use, with their types.
pub trait Names {
    /// The type of a name.
    fn kind(&self, name: &str) -> Option<Kind>;
    /// All names, for messages.
    fn all(&self) -> Vec<String>;
    /// What has these names: `damos_esz`.
    fn of(&self) -> String;
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Type {
        match kind {
            Kind::Unsigned => Type::Uint,
            Kind::Signed => Type::Int,
            Kind::Text => Type::Text,
            Kind::Words => Type::Texts,
            Kind::UnsignedList => Type::Numbers { signed: false },
            Kind::SignedList => Type::Numbers { signed: true },
        }
    }
}

/// CEL's names of types.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint => "uint",
            Type::Text => "string",
            Type::Numbers { signed: true } => "list(int)",
            Type::Numbers { signed: false } => "list(uint)",
            Type::Texts => "list(string)",
        })
    }
}

impl Type {
    fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Uint)
    }

    /// Whether the two can be equal.
    fn compares_with(self, other: Type) -> bool {
        let numbers = |ty| matches!(ty, Type::Numbers { .. });
        self == other || self.is_number() && other.is_number() || numbers(self) && numbers(other)
    }

    fn item(self) -> Option<Type> {
        match self {
            Type::Numbers { signed: true } => Some(Type::Int),
            Type::Numbers { signed: false } => Some(Type::Uint),
            Type::Texts => Some(Type::Text),
            _ => None,
        }
    }
}

impl Expression {
    /// Whether it is true or false of whatever has these names.
    ///
    /// # Errors
    /// A name that is none, or an operator with operands that it is not for.
    pub fn check(&self, names: &dyn Names) -> Result<(), Mistake> {
        let checker = Checker { text: self.text(), names };
        match checker.ty(self.root())? {
            Type::Bool => Ok(()),
            other => Err(Mistake::new(format!("this is a value of type {other}, and not true or false"))
                .help("compare it with something: `== 0`, `<= 10000`")),
        }
    }
}

struct Checker<'a> {
    text: &'a str,
    names: &'a dyn Names,
}

type Checked = Result<Type, Mistake>;

impl Checker<'_> {
    fn ty(&self, node: &IdedExpr) -> Checked {
        match &node.expr {
            Expr::Literal(literal) => literal_type(literal),
            Expr::Ident(name) => self.name(name),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.list(&list.elements),
            Expr::Comprehension(_) => Err(not_here("the macros of CEL (all, exists, map, filter)")),
            Expr::Select(_) => Err(not_here("a member of a value, and has()")),
            Expr::Map(_) | Expr::Struct(_) => Err(not_here("maps and messages")),
            Expr::Unspecified => Err(Mistake::new("this is no expression")),
        }
    }

    fn name(&self, name: &str) -> Checked {
        if let Some(kind) = self.names.kind(name) {
            return Ok(kind.into());
        }
        let all = self.names.all();
        let known: Vec<&str> = all.iter().map(String::as_str).collect();
        let mistake = Mistake::new(format!("{} has no field '{name}'", self.names.of()));
        Err(mistake.help(among(name, &known)).of_word(self.text, name))
    }

    fn list(&self, elements: &[IdedExpr]) -> Checked {
        let types = elements.iter().map(|element| self.ty(element)).collect::<Result<Vec<_>, _>>()?;
        match types.first() {
            Some(Type::Text) if types.iter().all(|ty| *ty == Type::Text) => Ok(Type::Texts),
            Some(_) if types.iter().all(|ty| ty.is_number()) => {
                Ok(Type::Numbers { signed: types.contains(&Type::Int) })
            }
            Some(_) => Err(Mistake::new("a list is of numbers or of strings")),
            None => Err(Mistake::new("an empty list has nothing in it")),
        }
    }

    fn call(&self, call: &CallExpr) -> Checked {
        let operands = call.target.iter().map(AsRef::as_ref).chain(&call.args);
        let types = operands.map(|operand| self.ty(operand)).collect::<Result<Vec<_>, _>>()?;
        let wrong = || Mistake::new(misfit(&call.func_name, &types));
        let result = |holds: bool, ty| if holds { Ok(ty) } else { Err(wrong()) };
        match (call.func_name.as_str(), types.as_slice()) {
            ("_&&_" | "_||_", [a, b]) => result(*a == Type::Bool && *b == Type::Bool, Type::Bool),
            ("!_", [a]) => result(*a == Type::Bool, Type::Bool),
            ("-_", [Type::Uint]) => Err(wrong().help("convert it first: -int(x)")),
            ("-_", [a]) => result(*a == Type::Int, Type::Int),
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [a, b]) if a.is_number() && b.is_number() => {
                if a == b {
                    Ok(*a)
                } else {
                    Err(wrong().help(self.mixed(call)))
                }
            }
            ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) => {
                result(a.is_number() && b.is_number() || *a == Type::Text && a == b, Type::Bool)
            }
            ("_==_" | "_!=_", [a, b]) => result(a.compares_with(*b), Type::Bool),
            ("_?_:_", [Type::Bool, a, b]) => result(a == b, *a),
            ("@in", [a, b]) => result(b.item().is_some_and(|item| item.compares_with(*a)), Type::Bool),
            ("_[_]", [list, index]) if index.is_number() => list.item().ok_or_else(wrong),
            ("size", [a]) => result(*a == Type::Text || a.item().is_some(), Type::Int),
            ("contains" | "startsWith" | "endsWith", [Type::Text, Type::Text]) if call.target.is_some() => {
                Ok(Type::Bool)
            }
            ("int", [a]) if call.target.is_none() => result(a.is_number(), Type::Int),
            ("uint", [a]) if call.target.is_none() => result(a.is_number(), Type::Uint),
            (name, _) if is_operator(name) || FUNCTIONS.contains(&name) => Err(wrong()),
            (name, _) => Err(Mistake::new(format!("there is no function '{name}' in rules"))
                .help(among(name, FUNCTIONS))
                .of_word(self.text, name)),
        }
    }

    /// What to write where a number with a sign meets one without.
    fn mixed(&self, call: &CallExpr) -> String {
        let number = call.args.iter().find_map(|argument| match &argument.expr {
            Expr::Literal(LiteralValue::Int(number)) => u64::try_from(*number.inner()).ok(),
            _ => None,
        });
        match number {
            Some(number) => format!("write {number}u, which is a uint, or convert the other one: int(x)"),
            None => "convert one of them: int(x) or uint(x)".to_owned(),
        }
    }
}

/// What may be called.
const FUNCTIONS: &[&str] = &["size", "contains", "startsWith", "endsWith", "int", "uint"];

fn literal_type(literal: &LiteralValue) -> Checked {
    match literal {
        LiteralValue::Boolean(_) => Ok(Type::Bool),
        LiteralValue::Int(_) => Ok(Type::Int),
        LiteralValue::UInt(_) => Ok(Type::Uint),
        LiteralValue::String(_) => Ok(Type::Text),
        LiteralValue::Double(_) => Err(Mistake::new("rules compute with whole numbers, which are exact")
            .help("multiply both sides: `2 * x <= 3 * y` instead of `x <= 1.5 * y`")),
        LiteralValue::Bytes(_) => Err(not_here("bytes")),
        LiteralValue::Null => Err(not_here("null")),
    }
}

fn not_here(what: &str) -> Mistake {
    let allowed = "operators, lists, size, contains, startsWith, endsWith, int and uint";
    Mistake::new(format!("{what}: not available in rules")).help(format!("available are {allowed}"))
}

fn is_operator(name: &str) -> bool {
    name.contains('_') && !name.contains(|c: char| c.is_ascii_alphabetic()) || name == "@in"
}

/// `'+' does not go with uint and int`.
fn misfit(name: &str, types: &[Type]) -> String {
    let types: Vec<String> = types.iter().map(Type::to_string).collect();
    let shown = match name {
        "@in" => "in",
        "_?_:_" => "?:",
        "_[_]" => "[]",
        name if is_operator(name) => name.trim_matches('_'),
        name => name,
    };
    format!("'{shown}' does not go with {}", types.join(" and "))
}
