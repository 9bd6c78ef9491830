//! C tokens to an [`Expr`]: operators by their precedence, and the kernel's functions for events.

use super::expr::{Expr, Table};
use super::int::{Int, IntType};
use super::token::Token;

/// So deep may parentheses be nested. The flags of an allocation take 20.
const DEPTH: usize = 64;

/// Operators between two operands, by how they bind.
const PRECEDENCE: &[(&str, u8)] = &[
    ("||", 1),
    ("&&", 2),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("==", 6),
    ("!=", 6),
    ("<", 7),
    (">", 7),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

/// Reads one argument. `field` gives the place of a field in the format.
pub(super) fn argument(tokens: &[Token], field: &dyn Fn(&str) -> Option<usize>) -> Result<Expr, String> {
    let mut parser = Parser { rest: tokens, field, depth: 0 };
    let expr = parser.choice()?;
    if parser.rest.is_empty() { Ok(expr) } else { Err(parser.unexpected("the end of an argument")) }
}

struct Parser<'a> {
    rest: &'a [Token],
    field: &'a dyn Fn(&str) -> Option<usize>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn unexpected(&self, wanted: &str) -> String {
        let found = match self.rest.first() {
            None => "the end".to_owned(),
            Some(Token::Word(word)) => format!("'{word}'"),
            Some(Token::Mark(mark)) => format!("'{mark}'"),
            Some(Token::Number(_)) => "a number".to_owned(),
            Some(Token::Text(_)) => "a text".to_owned(),
        };
        format!("{wanted} was expected, not {found}")
    }

    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn takes(&mut self, mark: &str) -> bool {
        let is = matches!(self.rest.first(), Some(Token::Mark(found)) if *found == mark);
        if is {
            self.rest = &self.rest[1..];
        }
        is
    }

    fn mark(&mut self, mark: &str) -> Result<(), String> {
        if self.takes(mark) { Ok(()) } else { Err(self.unexpected(&format!("'{mark}'"))) }
    }

    fn word(&mut self) -> Result<&'a str, String> {
        match self.rest.first() {
            Some(Token::Word(word)) => {
                self.rest = &self.rest[1..];
                Ok(word)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// `a ? b : c`.
    fn choice(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("more than {DEPTH} expressions inside each other"));
        }
        let condition = self.binary(0)?;
        let expr = if self.takes("?") {
            let then = self.choice()?;
            self.mark(":")?;
            let otherwise = self.choice()?;
            Expr::Choice(Box::new(condition), Box::new(then), Box::new(otherwise))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn binary(&mut self, least: u8) -> Result<Expr, String> {
        let mut left = self.unary()?;
        while let Some((operator, binds)) = self.operator().filter(|(_, binds)| *binds > least) {
            self.next();
            let right = self.binary(binds)?;
            left = Expr::binary(operator, left, right).ok_or("a division by zero")?;
        }
        Ok(left)
    }

    fn operator(&self) -> Option<(&'static str, u8)> {
        let Some(Token::Mark(mark)) = self.rest.first() else { return None };
        PRECEDENCE.iter().find(|(operator, _)| operator == mark).copied()
    }

    fn unary(&mut self) -> Result<Expr, String> {
        let mut before = Vec::new();
        loop {
            match self.rest.first() {
                Some(Token::Mark(mark @ ("-" | "~" | "!" | "+"))) => before.push(Before::Operator(mark)),
                Some(Token::Mark("(")) => match self.cast() {
                    Some((ty, length)) => {
                        before.push(Before::Cast(ty));
                        self.rest = &self.rest[length..];
                        continue;
                    }
                    None => break,
                },
                _ => break,
            }
            self.next();
        }
        if before.len() > DEPTH {
            return Err(format!("more than {DEPTH} operators before an operand"));
        }
        let mut expr = self.primary()?;
        for one in before.into_iter().rev() {
            expr = match one {
                Before::Operator(operator) => {
                    Expr::unary(operator, expr).ok_or("an operator without a value")?
                }
                Before::Cast(ty) => Expr::cast(ty, expr),
            };
        }
        Ok(expr)
    }

    /// A type in parentheses: itself, and how many tokens it takes.
    fn cast(&self) -> Option<(IntType, usize)> {
        let end = self.rest.iter().take(8).position(|token| *token == Token::Mark(")"))?;
        Some((named(&self.rest[1..end])?, end + 1))
    }

    fn primary(&mut self) -> Result<Expr, String> {
        let mark = match self.rest.first() {
            Some(Token::Number(number)) => Some(Expr::Number(*number)),
            Some(Token::Text(text)) => Some(Expr::Text(text.clone())),
            _ => None,
        };
        if let Some(expr) = mark {
            self.next();
            return Ok(expr);
        }
        if self.takes("(") {
            let inner = self.choice()?;
            self.mark(")")?;
            return Ok(inner);
        }
        match self.word()? {
            "REC" => self.member(),
            "true" => Ok(Expr::Number(Int::of_bool(true))),
            "false" => Ok(Expr::Number(Int::of_bool(false))),
            name if self.takes("(") => {
                let expr = self.call(name)?;
                self.mark(")")?;
                Ok(expr)
            }
            name => Err(format!("{name} has no value in the format")),
        }
    }

    /// `->field`, `->field[index]`, `->ent.pid`.
    fn member(&mut self) -> Result<Expr, String> {
        self.mark("->")?;
        let mut name = self.word()?.to_owned();
        while self.takes(".") {
            let inner = self.word()?;
            name = if name == "ent" { format!("common_{inner}") } else { format!("{name}.{inner}") };
        }
        let field = self.known(&name)?;
        if !self.takes("[") {
            return Ok(Expr::Field(field));
        }
        let index = self.choice()?;
        self.mark("]")?;
        Ok(Expr::Item(field, Box::new(index)))
    }

    fn known(&self, name: &str) -> Result<usize, String> {
        (self.field)(name).ok_or_else(|| format!("the format has no field '{name}'"))
    }

    /// What stands in the parentheses of a function's call.
    fn call(&mut self, name: &str) -> Result<Expr, String> {
        match name {
            "__get_str" | "__get_dynamic_array" | "__get_rel_str" | "__get_rel_dynamic_array" => {
                let field = self.word()?;
                self.known(field).map(Expr::Field)
            }
            "__get_dynamic_array_len" | "__get_rel_dynamic_array_len" => {
                let field = self.word()?;
                self.known(field).map(Expr::Length)
            }
            "sizeof" => {
                let words = self.rest.iter().take_while(|token| **token != Token::Mark(")")).count();
                let ty = named(&self.rest[..words]).ok_or("sizeof of a type that is not known")?;
                self.rest = &self.rest[words..];
                Ok(Expr::Number(Int::new(u64::from(ty.bytes), IntType::ULONG)))
            }
            "__builtin_expect" => {
                let value = self.choice()?;
                self.mark(",")?;
                self.choice()?;
                Ok(value)
            }
            "__print_symbolic" => {
                let value = self.choice()?;
                Ok(Expr::Symbolic(Box::new(value), self.table()?))
            }
            "__print_flags" => {
                let value = self.choice()?;
                self.mark(",")?;
                let Some(Token::Text(delimiter)) = self.next() else {
                    return Err("the flags have no delimiter".to_owned());
                };
                Ok(Expr::Flags(Box::new(value), delimiter.clone(), self.table()?))
            }
            "__print_hex" | "__print_hex_str" => {
                let [bytes, length] = self.operands()?;
                Ok(Expr::Hex { bytes, length, blanks: name == "__print_hex" })
            }
            "__print_array" => {
                let [bytes, count, size] = self.operands()?;
                Ok(Expr::Array { bytes, count, size })
            }
            _ => Err(format!("{name}() is a function of the kernel")),
        }
    }

    fn operands<const N: usize>(&mut self) -> Result<[Box<Expr>; N], String> {
        let mut all = Vec::new();
        for index in 0..N {
            if index > 0 {
                self.mark(",")?;
            }
            all.push(Box::new(self.choice()?));
        }
        all.try_into().map_err(|_| "a number of arguments".to_owned())
    }

    /// `, {value, "name"}, ...`.
    fn table(&mut self) -> Result<Table, String> {
        let mut table = Table::new();
        while self.takes(",") {
            // The kernel's macro may leave a comma at the end.
            if !self.takes("{") {
                break;
            }
            let value = self.choice()?;
            let value = value.number().ok_or("a name for a value that is no constant")?;
            self.mark(",")?;
            let Some(Token::Text(name)) = self.next() else {
                return Err("a value without a name".to_owned());
            };
            table.push((value.bits(), name.clone()));
            self.mark("}")?;
        }
        Ok(table)
    }
}

/// What stands before an operand.
enum Before {
    Operator(&'static str),
    Cast(IntType),
}

/// The type that these tokens name.
fn named(tokens: &[Token]) -> Option<IntType> {
    let (pointer, words) = match tokens.split_last()? {
        (Token::Mark("*"), words) => (true, words),
        _ => (false, tokens),
    };
    let words: Option<Vec<&str>> = words
        .iter()
        .map(|token| if let Token::Word(word) = token { Some(word.as_str()) } else { None })
        .collect();
    let words: Vec<&str> = words?.into_iter().filter(|word| !matches!(*word, "const" | "__force")).collect();
    match words.as_slice() {
        [] => None,
        _ if pointer => Some(IntType::ULONG),
        ["enum", _] => Some(IntType::UINT),
        words => IntType::named(&words.join(" ")),
    }
}
