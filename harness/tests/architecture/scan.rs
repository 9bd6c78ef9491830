//! One source file as the rules see it: what it defines, what it names, and where.
//!
//! The scan works on tokens and not on a syntax tree, because a path inside `assert!(...)` or `matches!(...)` couples
//! two files as much as one outside of a macro. Code under `#[cfg(test)]` is left out: tests may import anything.

use proc_macro2::{Delimiter, LexError, Literal, TokenStream, TokenTree};
use std::collections::BTreeSet;

/// A path of two segments or more, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The segments, `crate`, `self` and `super` among them.
    pub segments: Vec<String>,
    /// The line of its first segment.
    pub line: usize,
}

/// One name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The name in this file; none for a glob.
    pub name: Option<String>,
    /// What it stands for.
    pub path: Path,
    /// Other modules may import the name from here.
    pub is_public: bool,
}

/// A child module.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Its contents, where they are in this file too.
    pub inline: Option<Module>,
}

/// An item that is more than `mod` and `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `fn`, `impl`, `struct` and so on.
    pub keyword: String,
    /// Its name; empty for an `impl`.
    pub name: String,
    /// Its line.
    pub line: usize,
}

/// What a module says, without its tests.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// The items defined here.
    pub definitions: Vec<Definition>,
    /// The modules below, in the order in which they are declared.
    pub children: Vec<Child>,
    /// What `use` brings in, also inside functions.
    pub imports: Vec<Import>,
    /// Every other path.
    pub paths: Vec<Path>,
    /// The text of every string literal, with its line.
    pub strings: Vec<(String, usize)>,
    /// The modules that exist in test builds alone.
    pub test_children: BTreeSet<String>,
}

const KEYWORDS: [&str; 12] = [
    "mod",
    "use",
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "const",
    "static",
    "impl",
    "macro_rules",
];

/// Reads the text of a file.
pub fn module(text: &str) -> Result<Module, LexError> {
    let mut module = Module::default();
    items(&text.parse::<TokenStream>()?.into_iter().collect::<Vec<_>>(), &mut module);
    Ok(module)
}

/// Takes items one after another. Their bodies are searched for paths, and their names are noted.
fn items(tokens: &[TokenTree], module: &mut Module) {
    let mut rest = tokens;
    while !rest.is_empty() {
        let (attributes, item) = attributes(rest);
        let length = item_length(item);
        let (item, after) = item.split_at(length);
        rest = after;
        if attributes.iter().any(|one| is_cfg_test(one)) {
            module.test_children.extend(module_name(item));
            continue;
        }
        attributes.iter().filter(|one| !is_doc(one)).for_each(|one| body(one, module));
        self::item(item, module);
    }
}

fn item(tokens: &[TokenTree], module: &mut Module) {
    let Some(at) = keyword_at(tokens) else { return body(tokens, module) };
    let (keyword, line) = (tokens[at].to_string(), line(&tokens[at]));
    match keyword.as_str() {
        "use" => {
            let first = module.imports.len();
            import(&tokens[at + 1..], &mut Vec::new(), line, module);
            module.imports[first..].iter_mut().for_each(|import| import.is_public = at > 0);
        }
        "mod" => {
            let inline = tokens.last().and_then(group).map(|contents| {
                let mut inline = Module::default();
                items(&contents, &mut inline);
                inline
            });
            module.children.extend(module_name(tokens).map(|name| Child { name, inline }));
        }
        _ => {
            let named = tokens[at + 1..].iter().find(|token| matches!(token, TokenTree::Ident(_)));
            let name = if keyword == "impl" { None } else { named.map(ToString::to_string) };
            module.definitions.push(Definition { keyword, name: name.unwrap_or_default(), line });
            body(&tokens[at + 1..], module);
        }
    }
}

/// Notes paths, strings and nested imports. Attributes of statements, fields and nested items count like those of items.
fn body(tokens: &[TokenTree], module: &mut Module) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if is_punct(token, '#') {
            let (attributes, rest) = attributes(&tokens[at..]);
            if attributes.iter().any(|one| is_cfg_test(one)) {
                at = tokens.len() - rest.len() + item_length(rest);
                continue;
            }
            attributes.iter().filter(|one| !is_doc(one)).for_each(|one| body(one, module));
            at = (tokens.len() - rest.len()).max(at + 1);
            continue;
        }
        at += 1;
        match token {
            TokenTree::Group(inner) => body(&inner.stream().into_iter().collect::<Vec<_>>(), module),
            TokenTree::Literal(literal) => module.strings.extend(string(literal)),
            // `impl Trait + use<'a>` imports nothing.
            TokenTree::Ident(word)
                if word == "use" && !tokens.get(at).is_some_and(|next| is_punct(next, '<')) =>
            {
                let length = item_length(&tokens[at..]);
                import(&tokens[at..at + length], &mut Vec::new(), line(token), module);
                at += length;
            }
            TokenTree::Ident(_) => {
                // After `::` it is the end of a path that began with a type, as in `<T as Trait>::NAME`.
                let begins = at < 3 || !is_colons(&tokens[at - 3..]);
                let (segments, length) = segments(&tokens[at - 1..]);
                if begins && segments.len() > 1 {
                    module.paths.push(Path { segments, line: line(token) });
                }
                at += length - 1;
            }
            TokenTree::Punct(_) => {}
        }
    }
}

/// `a::b::c` at the beginning of `tokens`, and how many tokens it takes.
fn segments(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut segments = vec![tokens[0].to_string()];
    let mut at = 1;
    while is_colons(&tokens[at..]) {
        let Some(TokenTree::Ident(word)) = tokens.get(at + 2) else { break };
        segments.push(word.to_string());
        at += 3;
    }
    (segments, at)
}

/// The tree behind a `use`, without the semicolon.
fn import(tokens: &[TokenTree], before: &mut Vec<String>, line: usize, module: &mut Module) {
    let depth = before.len();
    let mut name = None;
    let mut rest = tokens;
    let mut is_over = true;
    while let Some((first, after)) = rest.split_first() {
        match first {
            TokenTree::Ident(word) if word == "as" => {
                name = after.first().map(ToString::to_string);
                break;
            }
            TokenTree::Ident(word) => before.push(word.to_string()),
            TokenTree::Group(group) => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                inside.split(|token| is_punct(token, ',')).filter(|part| !part.is_empty()).for_each(|part| {
                    let line = self::line(&part[0]);
                    import(part, before, line, module);
                });
                is_over = false;
            }
            token if is_punct(token, '*') => {
                let path = Path { segments: before.clone(), line };
                module.imports.push(Import { name: None, path, is_public: false });
                is_over = false;
            }
            _ => {}
        }
        rest = after;
    }
    if is_over {
        // `use a::{self}` is `use a`.
        let is_self = before.len() > 1 && before.last().is_some_and(|last| last == "self");
        let segments = before[..before.len() - usize::from(is_self)].to_vec();
        let name = name.or_else(|| segments.last().cloned());
        module.imports.push(Import { name, path: Path { segments, line }, is_public: false });
    }
    before.truncate(depth);
}

/// The attributes at the beginning, each as the tokens in its brackets, and what follows them.
fn attributes(tokens: &[TokenTree]) -> (Vec<Vec<TokenTree>>, &[TokenTree]) {
    let mut attributes = Vec::new();
    let mut rest = tokens;
    while rest.first().is_some_and(|token| is_punct(token, '#')) {
        let at = if rest.get(1).is_some_and(|token| is_punct(token, '!')) { 2 } else { 1 };
        let Some(TokenTree::Group(inner)) = rest.get(at) else { break };
        attributes.push(inner.stream().into_iter().collect());
        rest = &rest[at + 1..];
    }
    (attributes, rest)
}

/// An item ends with a semicolon or with its braces, a field or an arm with its comma.
fn item_length(tokens: &[TokenTree]) -> usize {
    let keyword = keyword(tokens);
    let is_value = matches!(keyword.as_deref(), Some("use" | "const" | "static"));
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';' || (punct.as_char() == ',' && keyword.is_none()),
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !is_value,
        _ => false,
    };
    tokens.iter().position(ends).map_or(tokens.len(), |at| at + 1)
}

/// The word that says what an item is; none for a statement or a macro call.
fn keyword(tokens: &[TokenTree]) -> Option<String> {
    Some(tokens.get(keyword_at(tokens)?)?.to_string())
}

fn keyword_at(tokens: &[TokenTree]) -> Option<usize> {
    let mut words = tokens.iter().enumerate().filter(|(_, token)| matches!(token, TokenTree::Ident(_)));
    let is_prefix =
        |word: &TokenTree| ["pub", "unsafe", "async", "extern"].iter().any(|one| is_ident(word, one));
    let (at, first) = words.find(|(_, word)| !is_prefix(word))?;
    // `const fn` is a function.
    match words.next() {
        Some((next, word)) if is_ident(first, "const") && is_ident(word, "fn") => Some(next),
        _ => Some(at).filter(|_| KEYWORDS.iter().any(|word| is_ident(first, word))),
    }
}

fn module_name(item: &[TokenTree]) -> Option<String> {
    let at = item.iter().position(|token| is_ident(token, "mod"))?;
    item.get(at + 1).map(ToString::to_string)
}

fn is_cfg_test(attribute: &[TokenTree]) -> bool {
    let [cfg, TokenTree::Group(what)] = attribute else { return false };
    is_ident(cfg, "cfg") && what.stream().to_string() == "test"
}

fn is_doc(attribute: &[TokenTree]) -> bool {
    attribute.first().is_some_and(|first| is_ident(first, "doc"))
}

fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    tokens.len() >= 2 && is_punct(&tokens[0], ':') && is_punct(&tokens[1], ':')
}

fn group(token: &TokenTree) -> Option<Vec<TokenTree>> {
    match token {
        TokenTree::Group(group) => Some(group.stream().into_iter().collect()),
        _ => None,
    }
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

fn string(literal: &Literal) -> Option<(String, usize)> {
    let text = literal.to_string();
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    Some((inside.to_owned(), literal.span().start().line))
}
