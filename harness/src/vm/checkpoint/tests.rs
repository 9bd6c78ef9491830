use super::evict::evict;
use super::files::{ABOUT, STATE};
use super::*;
use crate::machine::NodeMemory;
use damonlab_protocol::units::{Bytes, NodeId};
use fs_err as fs;

struct Place {
    _folder: tempfile::TempDir,
    store: Store,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::of(folder.path());
    Place { _folder: folder, store }
}

fn make(store: &Store, key: &str, state: &[u8]) {
    let making = Making::begin(store, key).unwrap().unwrap();
    fs::write(making.state(), state).unwrap();
    let argv = ["qemu".to_owned(), "-qmp".to_owned(), "unix:/tmp/run-1/qmp.sock".to_owned()];
    let memory = NodeMemory { node: NodeId(0), size: Bytes(1 << 20) };
    fs::write(making.ram(&memory).unwrap(), state).unwrap();
    making.publish(&argv, "/tmp/run-1", &[memory], b"boot text", "idle on linux 7.3").unwrap();
}

fn damage_of(store: &Store, key: &str) -> String {
    match store.find(key).unwrap() {
        Lookup::Damaged(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_published_checkpoint_is_found_and_moves_to_another_folder() {
    let Place { store, _folder } = place();
    assert!(matches!(store.find("k").unwrap(), Lookup::Missing));
    make(&store, "k", b"state");
    let Lookup::Intact(found) = store.find("k").unwrap() else { panic!("it is there") };
    assert_eq!(found.argv("/tmp/run-2")[2], "unix:/tmp/run-2/qmp.sock");
    assert_eq!(found.console, b"boot text");
    assert_eq!(fs::read(&found.state).unwrap(), b"state");
    assert_eq!(fs::read(&found.ram[0]).unwrap(), b"state");
}

#[test]
fn a_checkpoint_with_a_cut_or_changed_file_is_damaged_and_made_anew() {
    let damages = [b"stat".as_slice(), b"stAte"];
    for (name, damage) in [STATE, "ram0"].into_iter().flat_map(|name| damages.map(|damage| (name, damage))) {
        let Place { store, _folder } = place();
        make(&store, "k", b"state");
        fs::write(store.place("k").join(name), damage).unwrap();
        assert_eq!(damage_of(&store, "k"), format!("{name} has changed since it was saved"));
        make(&store, "k", b"state");
        assert!(matches!(store.find("k").unwrap(), Lookup::Intact(_)));
    }
}

#[test]
fn a_checkpoint_under_the_name_of_another_is_not_used() {
    let Place { store, _folder } = place();
    make(&store, "one", b"state");
    fs::rename(store.place("one"), store.place("two")).unwrap();
    assert_eq!(damage_of(&store, "two"), "it is the checkpoint one under another name");
}

#[test]
fn a_checkpoint_with_a_cut_description_is_damaged() {
    let Place { store, _folder } = place();
    make(&store, "k", b"state");
    fs::write(store.place("k").join(ABOUT), "{\"key\": \"k\"").unwrap();
    assert!(damage_of(&store, "k").starts_with("about.json: "));
}

#[test]
fn what_a_killed_process_left_is_not_found_and_is_removed() {
    let Place { store, _folder } = place();
    let making = Making::begin(&store, "k").unwrap().unwrap();
    fs::write(making.state(), b"half").unwrap();
    // As after SIGKILL: the lock is released, the folder stays.
    let scratch = making.scratch.clone();
    let left = tempfile::tempdir().unwrap();
    fs::rename(&scratch, left.path().join("moved")).unwrap();
    drop(making);
    fs::rename(left.path().join("moved"), &scratch).unwrap();
    assert!(matches!(store.find("k").unwrap(), Lookup::Missing));
    let making = Making::begin(&store, "k").unwrap().unwrap();
    assert!(!making.state().exists());
}

#[test]
fn an_unpublished_checkpoint_leaves_nothing_behind() {
    let Place { store, _folder } = place();
    drop(Making::begin(&store, "k").unwrap().unwrap());
    assert!(matches!(store.find("k").unwrap(), Lookup::Missing));
    let left: Vec<_> = fs::read_dir(&store.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["k.lock"]);
}

#[test]
fn a_second_process_waits_and_finds_it_made() {
    let Place { store, _folder } = place();
    let making = Making::begin(&store, "k").unwrap().unwrap();
    let second = std::thread::spawn({
        let store = store.clone();
        move || Making::begin(&store, "k").unwrap().is_none()
    });
    fs::write(making.state(), b"state").unwrap();
    making.publish(&[], "/tmp/run-1", &[], b"", "idle").unwrap();
    assert!(second.join().unwrap(), "it was made twice");
}

#[test]
fn the_longest_unused_are_removed_first_and_never_one_in_use() {
    let Place { store, _folder } = place();
    for key in ["a", "b", "c"] {
        make(&store, key, &[1; 100_000]);
    }
    let all = list(&store);
    let one = all[0].size;
    assert_eq!(all.iter().map(|each| each.key.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    let Lookup::Intact(in_use) = store.find("b").unwrap() else { panic!("it is there") };
    evict(&store, Bytes(one.0), "c").unwrap();
    let left: Vec<String> = list(&store).into_iter().map(|each| each.key).collect();
    assert_eq!(left, ["b", "c"], "a is removed, b is in use, c is the newest");
    drop(in_use);
    evict(&store, Bytes(one.0), "c").unwrap();
    assert_eq!(list(&store).len(), 1);
}
