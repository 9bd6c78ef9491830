//! A text to an expression, within bounds.

use super::locate;
use crate::host::deep_stack::with_deep_stack;
use crate::host::text::excerpt;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr};
use cel::parser::{ParseError, Parser};
use std::collections::BTreeSet;
use std::ops::Range;

/// No expression is longer, in bytes: the parser and the evaluation take a time that grows with it.
pub(super) const LONGEST: usize = 500;

/// So deep may parentheses be nested.
const DEPTH: u16 = 24;

/// So many levels of operators may be evaluated.
const DEEPEST: usize = 64;

/// An expression whose text was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: IdedExpr,
    names: BTreeSet<String>,
    nodes: u64,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The bytes of the expression's text that are meant, where they are known.
    pub at: Option<Range<usize>>,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>) -> Mistake {
        Mistake { message: message.into(), help: None, at: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Mistake {
        Mistake { help: Some(help.into()), ..self }
    }

    /// Of a word that the text has.
    pub(super) fn of_word(self, text: &str, word: &str) -> Mistake {
        Mistake { at: locate::word(text, word), ..self }
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is too long, or no CEL, at its place.
    pub fn parse(text: &str) -> Result<Expression, Mistake> {
        if text.len() > LONGEST {
            let message = format!("an expression of {} bytes is too long; {LONGEST} at most", text.len());
            return Err(Mistake::new(message).help("make several rules of it"));
        }
        let root =
            with_deep_stack(|| parsed(text)).map_err(|why| Mistake::new(format!("no expression: {why}")))?;
        let mut root = root?;
        name_members(&mut root);
        if depth(&root) > DEEPEST || prefixes(text) > DEEPEST {
            return Err(Mistake::new(format!("more than {DEEPEST} operators one after the other"))
                .help("make several rules of it"));
        }
        let (mut names, mut nodes) = (BTreeSet::new(), 0);
        visit(&root, &mut |expr| {
            nodes += 1;
            if let Expr::Ident(name) = expr {
                names.insert(name.clone());
            }
        });
        Ok(Expression { text: text.to_owned(), root, names, nodes })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn root(&self) -> &IdedExpr {
        &self.root
    }

    /// The names that it uses, `esz` and `before.esz`, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// How many steps an evaluation takes, at least.
    pub(super) fn nodes(&self) -> u64 {
        self.nodes
    }
}

fn parsed(text: &str) -> Result<IdedExpr, Mistake> {
    let parser = Parser::new().max_recursion_depth(DEPTH);
    parser.parse(text).map_err(|errors| {
        // The first one in the text is the cause of the others.
        let first = errors.errors.into_iter().min_by_key(|error| error.pos);
        first.map_or_else(|| Mistake::new("this is no expression"), |error| no_expression(text, &error))
    })
}

/// How many levels a tree has.
fn depth(node: &IdedExpr) -> usize {
    let below = match &node.expr {
        Expr::Call(CallExpr { target, args, .. }) => {
            target.iter().map(AsRef::as_ref).chain(args).map(depth).max()
        }
        Expr::List(list) => list.elements.iter().map(depth).max(),
        _ => None,
    };
    below.unwrap_or(0) + 1
}

/// The most prefix operators that stand one after the other. The parser drops pairs of them, so that the tree does not have them.
fn prefixes(text: &str) -> usize {
    let (mut longest, mut here) = (0, 0);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = after_comment(rest) {
            rest = after;
            continue;
        }
        here = match c {
            '!' | '-' => here + 1,
            c if c.is_whitespace() => here,
            _ => 0,
        };
        longest = longest.max(here);
        rest = after_literal(rest).unwrap_or(&rest[c.len_utf8()..]);
    }
    longest
}

/// What follows the comment that the text begins with.
fn after_comment(text: &str) -> Option<&str> {
    let comment = text.strip_prefix("//")?;
    Some(comment.split_once('\n').map_or("", |(_, rest)| rest))
}

/// What follows the literal that the text begins with: a string or bytes, or a name in backticks. The parser has accepted the
/// text, so a literal has an end.
fn after_literal(text: &str) -> Option<&str> {
    let (prefix, _) = text.split_at(text.find(['\'', '"', '`'])?);
    let is_raw = match prefix.to_ascii_lowercase().as_str() {
        "" | "b" => false,
        "r" | "br" | "rb" => true,
        _ => return None,
    };
    let quoted = &text[prefix.len()..];
    let triple = ["'''", "\"\"\""].into_iter().find(|mark| quoted.starts_with(mark));
    let mark = triple.unwrap_or(&quoted[..1]);
    let mut rest = &quoted[mark.len()..];
    loop {
        if let Some(after) = rest.strip_prefix(mark) {
            return Some(after);
        }
        let mut characters = rest.chars();
        if characters.next()? == '\\' && !is_raw {
            characters.next();
        }
        rest = characters.as_str();
    }
}

/// The parser's message, without the list of all that could have stood there.
fn no_expression(text: &str, error: &ParseError) -> Mistake {
    let message = error.msg.split(" expecting ").next().unwrap_or_default();
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let at = locate::place(text, error.pos);
    if message.contains("Recursion limit") {
        let message = format!("more than {DEPTH} expressions inside each other");
        return Mistake { at, ..Mistake::new(message).help("make several rules of it") };
    }
    let message = if message.contains("<EOF>") { "the expression ends too early" } else { message };
    let help = "an expression in CEL, for instance \"0 <= share && share <= 10000\"";
    Mistake { at, ..Mistake::new(format!("this is no expression: {}", excerpt(message))).help(help) }
}

/// `before.esz` becomes one name: there are no values with members.
fn name_members(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Select(select) if !select.test => {
            name_members(&mut select.operand);
            if let Expr::Ident(name) = &select.operand.expr {
                node.expr = Expr::Ident(format!("{name}.{}", select.field));
            }
        }
        Expr::Call(CallExpr { target, args, .. }) => {
            target.iter_mut().for_each(|target| name_members(target));
            args.iter_mut().for_each(name_members);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(name_members),
        _ => {}
    }
}

/// Calls `each` for every part that may have a value.
fn visit<'a>(node: &'a IdedExpr, each: &mut impl FnMut(&'a Expr)) {
    each(&node.expr);
    match &node.expr {
        Expr::Call(CallExpr { target, args, .. }) => {
            target.iter().for_each(|target| visit(target, each));
            args.iter().for_each(|argument| visit(argument, each));
        }
        Expr::List(list) => list.elements.iter().for_each(|element| visit(element, each)),
        _ => {}
    }
}
