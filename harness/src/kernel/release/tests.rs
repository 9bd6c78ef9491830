//! Releases from made-up mirrors and tarballs.

use super::*;
use crate::host::fault::Fault;
use std::ffi::OsStr;

const NEWEST: &str = "7.3.4";

/// A folder as kernel.org has it, with a kernel of three files.
fn mirror() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join(format!("linux-{NEWEST}"));
    for (name, text) in [
        ("Makefile", "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n"),
        ("mm/damon/Kconfig", "config DAMON_SYSFS\n"),
        ("include/linux/damon.h", ""),
    ] {
        fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
        fs::write(tree.join(name), text).unwrap();
    }
    let file = format!("linux-{NEWEST}.tar.xz");
    let run = |program: &str, arguments: &[&str]| {
        command::succeed(command_for(program).args(arguments).current_dir(folder.path()), Limits::LOCAL)
            .unwrap()
    };
    run("tar", &["-cJf", &file, &format!("linux-{NEWEST}")]);
    fs::write(folder.path().join("sha256sums.asc"), run("sha256sum", &[&file]).stdout).unwrap();
    folder
}

/// A machine without apt sources, so that only the mirror is left.
fn origins(mirror: &Path, cache: &Path) -> Origins {
    let env =
        Env { root: cache.to_owned(), path: std::env::var_os("PATH").unwrap(), cache: cache.to_owned() };
    Origins { env, given: Some(Given::Mirror(format!("file://{}", mirror.to_string_lossy()))) }
}

fn has_curl() -> bool {
    let has = paths::find_program(OsStr::new("/usr/bin:/usr/local/bin"), "curl").is_some();
    if !has {
        eprintln!("skipped: no curl on this machine to fetch from kernel.org with");
    }
    has
}

#[test]
fn without_debians_archive_the_tarball_is_checked_and_unpacked_once() {
    if !has_curl() {
        return;
    }
    let (mirror, cache) = (mirror(), tempfile::tempdir().unwrap());
    let release =
        origins(mirror.path(), cache.path()).obtain(&VersionRequest::default(), &Progress::silent()).unwrap();
    assert_eq!(release.version, NEWEST);
    assert_eq!(release.listing().unwrap().0.len(), 3);
    // The second time nothing is fetched: the mirror is gone.
    drop(mirror);
    let again = origins(Path::new("/nonexistent"), cache.path())
        .obtain(&VersionRequest::default(), &Progress::silent())
        .unwrap();
    assert_eq!(again.dir, release.dir);
    assert_eq!(again.listing().unwrap(), release.listing().unwrap());
}

#[test]
fn without_curl_the_error_says_how_to_install_it() {
    let cache = tempfile::tempdir().unwrap();
    let mut origins = origins(Path::new("/nonexistent"), cache.path());
    origins.env.path = "/nonexistent".into();
    let error = origins.obtain(&VersionRequest::default(), &Progress::silent()).unwrap_err();
    assert!(error.to_string().starts_with("no curl in PATH"), "{error}");
    assert!(error.to_string().contains("doctor` names the package"), "{error}");
}

#[test]
fn a_tarball_with_another_checksum_is_refused_and_nothing_is_left() {
    if !has_curl() {
        return;
    }
    let (mirror, cache) = (mirror(), tempfile::tempdir().unwrap());
    let list = format!("{}  linux-{NEWEST}.tar.xz\n", "0".repeat(64));
    fs::write(mirror.path().join("sha256sums.asc"), list).unwrap();
    let error = origins(mirror.path(), cache.path())
        .obtain(&VersionRequest::default(), &Progress::silent())
        .unwrap_err();
    assert!(
        error.to_string().contains("does not have the checksum of sha256sums.asc: wanted 0000"),
        "{error}"
    );
    assert_eq!(error.fault(), Fault::Infra);
    assert_eq!(fs::read_dir(cache.path().join("source")).unwrap().count(), 0);
}

#[test]
fn of_several_releases_the_newest_is_used() {
    let cache = tempfile::tempdir().unwrap();
    for version in ["7.3.4-1~bpo13+1", "7.3.10-1~bpo13+1", "7.3.9", "7.2.12"] {
        fs::create_dir_all(cache.path().join(format!("source/linux-{version}"))).unwrap();
    }
    fs::create_dir_all(cache.path().join("source/.new-linux-9.9.9")).unwrap();
    let origins = origins(Path::new("/nonexistent"), cache.path());
    for (request, version) in
        [("7.3", "7.3.10-1~bpo13+1"), ("7.2", "7.2.12"), ("7.3.4", "7.3.4-1~bpo13+1"), ("7.3.9", "7.3.9")]
    {
        let wanted = VersionRequest::parse(request).unwrap().unwrap();
        assert_eq!(origins.newest(&wanted).unwrap().version, version);
    }
    assert!(origins.newest(&VersionRequest::parse("7.3.5").unwrap().unwrap()).is_none());
}

#[test]
fn the_newest_of_the_series_in_kernel_orgs_list_is_used() {
    let list = "00  linux-7.3.9.tar.xz\n01  linux-7.3.10.tar.xz\n02  linux-7.4.tar.xz\n03  patch-7.3.11.xz\n";
    assert_eq!(checksums::newest(list, &VersionRequest::default()).unwrap(), "7.3.10");
    assert_eq!(checksums::newest(list, &VersionRequest::parse("7.2").unwrap().unwrap()), None);
}

#[test]
fn a_version_that_debian_does_not_have_is_reported_with_those_that_it_has() {
    let wanted = VersionRequest::parse("7.3.9").unwrap().unwrap();
    let versions = ["7.3.4-1~bpo13+1".to_owned(), "7.3.3-1~bpo13+1".to_owned()];
    assert_eq!(
        no_package("linux-source-7.3".to_owned(), &versions, &wanted).to_string(),
        "trixie-backports and trixie have no package linux-source-7.3 7.3.9; they have 7.3.4-1~bpo13+1, 7.3.3-1~bpo13+1"
    );
}

#[test]
fn a_tarball_that_was_fetched_by_hand_is_checked_and_unpacked_without_a_network() {
    let (folder, cache) = (mirror(), tempfile::tempdir().unwrap());
    let tarball = folder.path().join(format!("linux-{NEWEST}.tar.xz"));
    let mut origins = origins(Path::new("/nonexistent"), cache.path());
    origins.given = Given::parse(&tarball.to_string_lossy());
    origins.env.path = "/nonexistent".into();
    let release = origins.obtain(&VersionRequest::default(), &Progress::silent()).unwrap();
    assert_eq!(release.version, NEWEST);
    let other = VersionRequest::parse("7.2").unwrap().unwrap();
    let error = origins.obtain(&other, &Progress::silent()).unwrap_err();
    assert!(error.to_string().contains(&format!("DAMONLAB_SOURCE is {}", tarball.display())), "{error}");
    // As the value of --kernel it needs no variable.
    origins.given = None;
    drop(folder);
    assert_eq!(origins.of_tarball(&tarball, &Progress::silent()).unwrap().dir, release.dir);
}

#[test]
fn a_tarball_without_a_checksum_or_with_another_is_refused_with_what_to_do() {
    let (folder, cache) = (mirror(), tempfile::tempdir().unwrap());
    let tarball = folder.path().join(format!("linux-{NEWEST}.tar.xz"));
    fs::remove_file(folder.path().join(checksums::LIST)).unwrap();
    let origins = origins(Path::new("/nonexistent"), cache.path());
    let refusal = || origins.of_tarball(&tarball, &Progress::silent()).unwrap_err().to_string();
    assert!(refusal().contains("cannot be checked") && refusal().contains(".sha256"), "{}", refusal());
    let mut own = tarball.clone().into_os_string();
    own.push(".sha256");
    fs::write(own, format!("{}  linux-{NEWEST}.tar.xz\n", "0".repeat(64))).unwrap();
    assert!(refusal().contains("does not have the checksum of linux-7.3.4.tar.xz.sha256"), "{}", refusal());
    assert!(origins.releases().is_empty());
}

#[test]
fn on_another_distribution_debians_archive_is_not_asked() {
    let cache = tempfile::tempdir().unwrap();
    fs::create_dir(cache.path().join("etc")).unwrap();
    fs::write(cache.path().join("etc/os-release"), "ID=fedora\nPRETTY_NAME=\"Fedora Linux 43\"\n").unwrap();
    let mut origins = origins(Path::new("/nonexistent"), cache.path());
    origins.given = None;
    origins.env.path = "/nonexistent".into();
    let error = origins.obtain(&VersionRequest::default(), &Progress::silent()).unwrap_err().to_string();
    assert!(error.contains("Debian's archive: not asked on Fedora Linux 43"), "{error}");
    assert!(error.contains("kernel.org: no curl in PATH"), "{error}");
}
