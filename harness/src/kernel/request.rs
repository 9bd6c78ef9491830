//! The kernel that a user wants: a bzImage as it is, or a source and what is changed in it.

use super::apply::Rules;
use super::config::{self, Fragment};
use super::confinement::BuildIn;
use super::error::KernelError;
use super::given::Tarball;
use super::profile::Profile;
use super::release::Origins;
use super::source::{Source, tree_and_ref};
use super::source_tree::{SeriesLabel, SourceTree, plain};
use super::version_request::VersionRequest;
use crate::series::Patch;
use crate::setup::Work;
use std::path::{Path, PathBuf};

/// The kernel that a user wants. A bzImage has no source, so nothing can be changed in it, and no value of this type says
/// that something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A bzImage, which is booted as it is.
    Image(PathBuf),
    /// A kernel to be built, or to be found in the cache.
    Build(BuildRequest),
}

/// What a user wants changed in a kernel.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Patches to apply, in order, after the bundled ones.
    pub patches: Vec<Patch>,
    /// The name of a series among the patches.
    pub series: Option<SeriesLabel>,
    /// Whether hunks that do not fit exactly are refused.
    pub strict: bool,
    /// Whether patches that the source has already are passed over.
    pub skip_applied: bool,
    /// Changes of the configuration, in order.
    pub config: Vec<ConfigPart>,
    /// Where the build runs.
    pub build_in: Option<BuildIn>,
}

/// A change of a kernel's configuration.
#[derive(Debug, Clone)]
pub enum ConfigPart {
    /// The fragment of a profile.
    Profile(Profile),
    /// A user's fragment.
    Fragment(PathBuf),
}

impl Default for Request {
    /// The default kernel.
    fn default() -> Request {
        Request::Build(BuildRequest::of(Source::default()))
    }
}

impl Request {
    /// Parses the value of `--kernel`: a version, the path of a tree, a tarball or an image, or `TREE@REF`. The first that fits is
    /// used.
    ///
    /// # Errors
    /// It is none of them, or a version that is not available.
    pub fn parse(value: &Path, origins: &Origins) -> Result<Request, KernelError> {
        let text = value.to_string_lossy();
        let built = |source| Ok(Request::Build(BuildRequest::of(source)));
        if let Some(wanted) = VersionRequest::parse(&text) {
            return built(Source::Release(wanted?));
        }
        if value.exists() {
            return match (value.is_dir(), Tarball::is_one(value)) {
                (true, _) => built(Source::Tree(value.to_owned())),
                (false, true) => Tarball::of(value).and_then(|_| built(Source::Tarball(value.to_owned()))),
                (false, false) => Ok(Request::Image(value.to_owned())),
            };
        }
        if let Some((dir, name)) = tree_and_ref(&text) {
            return built(Source::Ref { dir, name });
        }
        let at = match text.rsplit_once('@') {
            Some((dir, _)) => format!("'{dir}' before the @ is not a folder"),
            None => "it is not TREE@REF".to_owned(),
        };
        let cached: Vec<String> = origins.releases().into_iter().map(|release| release.version).collect();
        let cached = if cached.is_empty() { "none".to_owned() } else { cached.join(", ") };
        Err(KernelError::NoSuchKernel { name: text.into_owned(), at, cached })
    }

    /// The same with `changes`.
    ///
    /// # Errors
    /// It is a bzImage, and there are changes.
    pub fn with(self, changes: Changes) -> Result<Request, KernelError> {
        match (self, changes.named()) {
            (Request::Build(request), _) => Ok(Request::Build(request.with(changes))),
            (image, named) if named.is_empty() => Ok(image),
            (image, named) => image.to_build(&named.join(", ")).map(Request::Build),
        }
    }

    /// What the tools are needed for.
    pub fn work(&self) -> Work {
        match self {
            Request::Image(_) => Work::Guest,
            Request::Build(_) => Work::Kernel,
        }
    }

    /// The build; `what` needs its source.
    ///
    /// # Errors
    /// It is a bzImage.
    pub fn to_build(self, what: &str) -> Result<BuildRequest, KernelError> {
        match self {
            Request::Build(request) => Ok(request),
            Request::Image(path) => Err(KernelError::ImageHasNoSource { path, what: what.to_owned() }),
        }
    }
}

impl Changes {
    /// The kinds of change that were asked for, even if they come to nothing.
    fn named(&self) -> Vec<&'static str> {
        let patches = self.patches.len() > self.series.as_ref().map_or(0, |series| series.patches);
        let profile = self.config.iter().any(|part| matches!(part, ConfigPart::Profile(_)));
        let fragment = self.config.iter().any(|part| matches!(part, ConfigPart::Fragment(_)));
        let all = [
            (self.series.is_some(), "a series"),
            (patches, "a patch"),
            (self.strict, "--strict"),
            (self.skip_applied, "--skip-applied"),
            (profile, "a profile"),
            (fragment, "a config fragment"),
            (self.build_in.is_some(), "--build-in"),
        ];
        all.into_iter().filter_map(|(asked, name)| asked.then_some(name)).collect()
    }
}

/// A kernel to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// The source.
    pub source: Source,
    /// Patches to apply, in order, after the bundled ones.
    pub patches: Vec<Patch>,
    /// The name of a series among the patches.
    pub series: Option<SeriesLabel>,
    /// Whether hunks that do not fit exactly are refused.
    pub strict: bool,
    /// Whether patches that the source has already are passed over.
    pub skip_applied: bool,
    /// Config fragments on top of the default ones, in order.
    pub fragments: Vec<PathBuf>,
    /// Where make runs.
    pub build_in: BuildIn,
    /// The folder with `patches/` and `kernel-config/`.
    pub project: PathBuf,
}

impl BuildRequest {
    /// `source` without the user's patches and fragments.
    pub fn of(source: Source) -> BuildRequest {
        BuildRequest {
            source,
            patches: Vec::new(),
            series: None,
            strict: false,
            skip_applied: false,
            fragments: Vec::new(),
            build_in: BuildIn::default(),
            project: crate::bundled::home(),
        }
    }

    /// The same with `changes` on top of its own.
    pub fn with(mut self, changes: Changes) -> BuildRequest {
        let Changes { patches, series, strict, skip_applied, config, build_in } = changes;
        self.patches.extend(patches);
        self.series = series.or(self.series);
        self.strict |= strict;
        self.skip_applied |= skip_applied;
        self.build_in = build_in.unwrap_or(self.build_in);
        self.fragments.extend(config.into_iter().filter_map(|part| match part {
            ConfigPart::Profile(profile) => profile.fragment(&self.project),
            ConfigPart::Fragment(path) => Some(path),
        }));
        self
    }

    /// The same with the fragment of `profile`, once.
    pub fn with_profile(mut self, profile: Profile) -> BuildRequest {
        let fragment = profile.fragment(&self.project);
        self.fragments.extend(fragment.filter(|path| !self.fragments.contains(path)));
        self
    }

    /// What is refused of its patches.
    pub(super) fn rules(&self) -> Rules {
        Rules { strict: self.strict, skip_applied: self.skip_applied, trial: false }
    }

    /// All patches in the order in which they are applied.
    pub(super) fn on_top_of(&self, mut bundled: Vec<Patch>) -> Vec<Patch> {
        bundled.extend(self.patches.iter().cloned());
        bundled
    }

    /// The name of its build folder: each set of extra fragments has its own, and so has a confined build.
    pub(super) fn build_name(&self, source_tree: &SourceTree) -> String {
        let mut name = source_tree.id.clone();
        for fragment in &self.fragments {
            name.push('+');
            name.push_str(&plain(&fragment.file_stem().unwrap_or_default().to_string_lossy()));
        }
        name.push_str(self.build_in.suffix());
        name
    }

    pub(super) fn all_fragments(&self) -> Result<Vec<Fragment>, KernelError> {
        let shipped = config::DEFAULT.iter().map(|name| config::path(&self.project, name));
        let read = |path: PathBuf| match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Fragment { bundled: config::is_bundled(&self.project, &path), path, text }),
            Err(cause) => Err(KernelError::NoSuchPath { path, cause }),
        };
        shipped.chain(self.fragments.iter().cloned()).map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Fault, Faulty};
    use crate::setup::Env;

    fn parsed(value: impl AsRef<Path>) -> Result<Request, KernelError> {
        let cache = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(cache.path().join("source/linux-7.3.4-1~bpo13+1")).unwrap();
        let env = Env { root: "/".into(), path: "/usr/bin".into(), cache: cache.path().to_owned() };
        Request::parse(value.as_ref(), &Origins::of(env))
    }

    #[test]
    fn a_value_is_a_version_a_tree_a_ref_of_a_tree_or_an_image() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("my@linux");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(folder.path().join("bzImage"), "").unwrap();
        assert_eq!(parsed("7.3").unwrap(), Request::default());
        let built = |source| Request::Build(BuildRequest::of(source));
        let wanted = VersionRequest::parse("7.2.12").unwrap().unwrap();
        assert_eq!(parsed("7.2.12").unwrap(), built(Source::Release(wanted)));
        assert_eq!(parsed(&tree).unwrap(), built(Source::Tree(tree.clone())));
        let tarball = folder.path().join("linux-7.3.4.tar.xz");
        std::fs::write(&tarball, "").unwrap();
        assert_eq!(parsed(&tarball).unwrap(), built(Source::Tarball(tarball)));
        let image = folder.path().join("bzImage");
        assert_eq!(parsed(&image).unwrap(), Request::Image(image));
        let value = format!("{}@HEAD@{{1}}", tree.display());
        assert_eq!(parsed(value).unwrap(), built(Source::Ref { dir: tree, name: "HEAD@{1}".into() }));
    }

    #[test]
    fn only_a_bzimage_needs_no_tools_that_build_kernels() {
        assert_eq!(Request::default().work(), Work::Kernel);
        assert_eq!(Request::Image("/bzImage".into()).work(), Work::Guest);
    }

    #[test]
    fn a_value_that_fits_nothing_is_refused_with_what_was_tried_and_what_there_is() {
        let error = parsed("/nonexistent/linux@v7.2").unwrap_err();
        assert_eq!(error.fault(), Fault::BadInput);
        assert_eq!(
            error.to_string(),
            "'/nonexistent/linux@v7.2' is not a kernel: it is not a version (7.2, 7.3 or 7.3.4), no file has that path, \
             and '/nonexistent/linux' before the @ is not a folder; sources in the cache: 7.3.4-1~bpo13+1"
        );
        assert!(parsed("v7.3").unwrap_err().to_string().contains("it is not TREE@REF"));
    }

    #[test]
    fn a_bzimage_takes_no_change_and_the_error_names_each() {
        let image = || Request::Image("my/bzImage".into());
        assert_eq!(image().with(Changes::default()).unwrap(), image());
        let fragment = || ConfigPart::Fragment("a.config".into());
        let fast = || ConfigPart::Profile(Profile::Fast);
        let label = SeriesLabel { name: "x".into(), patches: 0 };
        for (changes, named) in [
            (Changes { strict: true, ..Changes::default() }, "--strict"),
            // It adds nothing, but it was asked for.
            (Changes { config: vec![fast()], ..Changes::default() }, "a profile"),
            (Changes { config: vec![fragment()], ..Changes::default() }, "a config fragment"),
            (Changes { series: Some(label), ..Changes::default() }, "a series"),
            (
                Changes { config: vec![fragment(), fast()], strict: true, ..Changes::default() },
                "--strict, a profile, a config fragment",
            ),
        ] {
            let error = image().with(changes).unwrap_err();
            assert_eq!(error.fault(), Fault::BadInput);
            let text = error.to_string();
            assert!(text.contains(&format!("no source for {named};")), "{text}");
        }
        let error = image().to_build("a bisection").unwrap_err().to_string();
        assert!(error.contains("my/bzImage") && error.contains("no source for a bisection;"), "{error}");
    }

    #[test]
    fn profiles_and_fragments_are_merged_in_the_order_in_which_they_were_named() {
        let fragment = |name: &str| ConfigPart::Fragment(name.into());
        let config = vec![fragment("a.config"), ConfigPart::Profile(Profile::Debug), fragment("b.config")];
        let request = Request::default().with(Changes { config, ..Changes::default() }).unwrap();
        let Request::Build(BuildRequest { fragments, project, .. }) = request else { panic!("an image") };
        let debug = Profile::Debug.fragment(&project).unwrap();
        assert_eq!(fragments, [PathBuf::from("a.config"), debug, PathBuf::from("b.config")]);
    }
}
