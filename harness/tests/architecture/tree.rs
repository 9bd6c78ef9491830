//! The files of one crate, and which of them need which.
//!
//! A file needs the file that defines an item, whatever re-exports the item on the way. A path to a module is not a need
//! yet; an item of the module is. Two needs are not seen: that for the file of an `impl` which is not beside its type, since
//! a method call has no path, and that for an item which a macro defines, which counts as one of the macro's file.

use super::scan::{self, Child, Module};
use std::collections::{BTreeMap, BTreeSet};
use std::{fs, io, path};

/// A crate without its tests.
pub struct Crate {
    /// Every file that belongs to it, by its place in the repository.
    pub files: Vec<File>,
    nodes: Vec<Node>,
}

/// One file.
pub struct File {
    /// Its place, for instance `harness/src/run/replay.rs`.
    pub path: String,
    /// Its modules: its own, and those with their contents in it.
    nodes: Vec<usize>,
}

struct Node {
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    module: Module,
}

/// One file's need of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The file that names the item.
    pub from: String,
    /// The line on which it does.
    pub line: usize,
    /// The path, as it is written.
    pub path: String,
    /// The file that defines the item.
    pub to: String,
    /// An index of modules passes the item on, and does nothing with it.
    pub is_reexport: bool,
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Target {
    Module(usize),
    /// An item of the module.
    Item(usize),
}

/// The text of every `.rs` file below `folder`, by its place in the repository.
pub fn read(repository: &path::Path, folder: &str) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(repository.join(folder))? {
        let entry = entry?;
        let place = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files.append(&mut read(repository, &place)?);
        } else if place.ends_with(".rs") {
            files.insert(place, fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}

impl Crate {
    /// The crate that begins with the file `root`.
    ///
    /// # Errors
    /// A file that is no Rust, and a module without a file.
    pub fn of(texts: &BTreeMap<String, String>, root: &str) -> Result<Crate, String> {
        let mut all = Crate { files: Vec::new(), nodes: Vec::new() };
        all.add_file(texts, root, None)?;
        Ok(all)
    }

    fn add_file(
        &mut self,
        texts: &BTreeMap<String, String>,
        path: &str,
        parent: Option<usize>,
    ) -> Result<usize, String> {
        let text = texts.get(path).ok_or_else(|| format!("{path}: there is no such file"))?;
        let module = scan::module(text).map_err(|error| format!("{path}: {error}"))?;
        self.files.push(File { path: path.to_owned(), nodes: Vec::new() });
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = name.trim_end_matches(".rs");
        let is_root = parent.is_none() || stem == "mod";
        let below = if is_root { folder.to_owned() } else { format!("{folder}/{stem}") };
        self.add_module(texts, module, self.files.len() - 1, parent, &below)
    }

    fn add_module(
        &mut self,
        texts: &BTreeMap<String, String>,
        mut module: Module,
        file: usize,
        parent: Option<usize>,
        below: &str,
    ) -> Result<usize, String> {
        let children = std::mem::take(&mut module.children);
        let node = self.nodes.len();
        self.nodes.push(Node { file, parent, children: BTreeMap::new(), module });
        self.files[file].nodes.push(node);
        for Child { name, inline } in children {
            let folder = format!("{below}/{name}");
            let child = match inline {
                Some(inline) => self.add_module(texts, inline, file, Some(node), &folder)?,
                None => {
                    let places = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
                    let path = places.iter().find(|place| texts.contains_key(*place));
                    let path =
                        path.ok_or_else(|| format!("{}: no file for `mod {name}`", self.files[file].path))?;
                    self.add_file(texts, path, Some(node))?
                }
            };
            self.nodes[node].children.insert(name, child);
        }
        Ok(node)
    }

    /// The modules of a file.
    pub fn modules(&self, file: &File) -> impl Iterator<Item = &Module> {
        file.nodes.iter().map(|node| &self.nodes[*node].module)
    }

    /// The modules that the root declares, in their order.
    pub fn floors(&self) -> Vec<String> {
        let root = &self.nodes[0];
        let mut floors: Vec<_> = root.children.iter().collect();
        // Files are added in the order of their declarations.
        floors.sort_by_key(|(_, node)| **node);
        floors.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// Every need of a file for an item of another file, in the order of files and lines.
    pub fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let imports = node.module.imports.iter();
            let imports = imports.map(|import| (&import.path, import.name.is_none(), import.is_public));
            for (path, is_glob, is_public) in
                imports.chain(node.module.paths.iter().map(|path| (path, false, false)))
            {
                let to = match self.resolve(at, &path.segments, &mut BTreeSet::new()) {
                    Some(Target::Item(to)) => to,
                    Some(Target::Module(to)) if is_glob => to,
                    _ => continue,
                };
                let (from, to) = (node.file, self.nodes[to].file);
                if from != to {
                    let (from, to) = (self.files[from].path.clone(), self.files[to].path.clone());
                    let is_reexport = is_public && is_index(&from);
                    links.push(Link {
                        from,
                        line: path.line,
                        path: path.segments.join("::"),
                        to,
                        is_reexport,
                    });
                }
            }
        }
        links.sort_by(|a, b| (&a.from, a.line).cmp(&(&b.from, b.line)));
        links
    }

    /// Follows a path from the module `at`. `seen` ends the search where imports name each other.
    fn resolve<'a>(
        &'a self,
        at: usize,
        segments: &'a [String],
        seen: &mut BTreeSet<(usize, &'a [String])>,
    ) -> Option<Target> {
        if !seen.insert((at, segments)) {
            return None;
        }
        let (first, mut rest) = segments.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(at),
            "super" => Target::Module(self.nodes[at].parent?),
            name => self.named(at, name, !rest.is_empty(), seen)?,
        };
        while let (Target::Module(module), Some((name, after))) = (target, rest.split_first()) {
            target = match name.as_str() {
                "super" => Target::Module(self.nodes[module].parent?),
                // What a macro defines cannot be seen: it is an item of the module.
                _ => self.named(module, name, !after.is_empty(), seen).unwrap_or(Target::Item(module)),
            };
            rest = after;
        }
        Some(target)
    }

    /// What a name stands for in a module. A module and a function may have one name: what goes on is the module.
    fn named<'a>(
        &'a self,
        at: usize,
        name: &str,
        goes_on: bool,
        seen: &mut BTreeSet<(usize, &'a [String])>,
    ) -> Option<Target> {
        let Node { children, module, .. } = &self.nodes[at];
        let child = children.get(name).map(|child| Target::Module(*child));
        if goes_on && child.is_some() {
            return child;
        }
        if module.definitions.iter().any(|definition| definition.name == name) {
            return Some(Target::Item(at));
        }
        let called = module.imports.iter().filter(|import| import.name.as_deref() == Some(name));
        for import in called {
            if let Some(target) = self.resolve(at, &import.path.segments, seen) {
                return Some(target);
            }
        }
        if child.is_some() {
            return child;
        }
        for glob in module.imports.iter().filter(|import| import.name.is_none()) {
            if let Some(Target::Module(from)) = self.resolve(at, &glob.path.segments, seen)
                && let Some(target) = self.named(from, name, goes_on, seen)
            {
                return Some(target);
            }
        }
        None
    }
}

/// `mod.rs` and `lib.rs`: they say which files there are and what of them is to be seen.
pub fn is_index(path: &str) -> bool {
    path.ends_with("/mod.rs") || path.ends_with("/lib.rs")
}

/// Groups of files of which each needs, over others of the group, every other. Each with the needs inside it. What an
/// index only passes on is no need of its own.
pub fn cycles(links: &[Link]) -> Vec<Vec<&Link>> {
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for link in links.iter().filter(|link| !link.is_reexport) {
        needs.entry(&link.from).or_default().insert(&link.to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        needs.keys().map(|from| (*from, reachable(&needs, from))).collect();
    let both = |a: &str, b: &str| {
        let reaches = |from: &str, to: &str| reach.get(from).is_some_and(|all| all.contains(to));
        reaches(a, b) && reaches(b, a)
    };
    let mut groups: Vec<Vec<&Link>> = Vec::new();
    for link in links.iter().filter(|link| !link.is_reexport && both(&link.from, &link.to)) {
        match groups.iter_mut().find(|group| both(&group[0].from, &link.from)) {
            Some(group) => group.push(link),
            None => groups.push(vec![link]),
        }
    }
    groups
}

/// All that `from` needs, over however many others.
pub fn reachable<'a>(needs: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = needs.get(from).into_iter().flatten().copied().collect();
    while let Some(file) = next.pop() {
        if found.insert(file) {
            next.extend(needs.get(file).into_iter().flatten().copied());
        }
    }
    found
}
