//! A secret store: a small program of the docker credential helper protocol that records its calls, and that a test can
//! make fail at any step.

use std::fs;
use std::path::PathBuf;

use crate::sandbox::Sandbox;

/// Keeps each secret in its own file, outside of the home directory.
const PROGRAM: &str = r#"
input=$(cat)
case $1 in
    store) url=$(printf %s "$input" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/') ;;
    *) url=$input ;;
esac
kind=${url#https://spotinst-cred/}
echo "$1 ${kind%%/*}" >>"$dir/calls"
file=$dir/items/$(printf %s "$url" | tr / _)
[ ! -e "$dir/before-$1" ] || . "$dir/before-$1"
case $1 in
    store) printf %s "$input" >"$file" ;;
    get | erase) [ -e "$file" ] || { echo "credentials not found in native keychain"; exit 1; } ;;
esac
case $1 in
    get) cat "$file" ;;
    erase) rm "$file" ;;
esac
[ ! -e "$dir/after-$1" ] || . "$dir/after-$1"
exit 0
"#;

/// The message of a store whose keychain is locked.
pub const LOCKED: &str = "echo 'the keychain is locked'; exit 1";

pub struct StoreProgram {
    dir: PathBuf,
}

impl StoreProgram {
    /// Installs the store of this name in the sandbox's `PATH`.
    pub fn install(sandbox: &mut Sandbox, name: &str) -> Self {
        let dir = sandbox.path().join(format!("store-{name}"));
        fs::create_dir_all(dir.join("items")).unwrap();
        let program = format!("dir='{}'\n{PROGRAM}", dir.display());
        let program = sandbox.script(&format!("bin/docker-credential-{name}"), &program);
        let path = format!("{}:{}", program.parent().unwrap().display(), sandbox.variable("PATH").unwrap());
        sandbox.set("PATH", path);
        Self { dir }
    }

    /// Runs this shell code in every call with this action, before or after it works: `before-get`, `after-store`.
    pub fn at(&self, step: &str, code: &str) {
        fs::write(self.dir.join(step), code).unwrap();
    }

    /// Removes the code of this step.
    pub fn repair(&self, step: &str) {
        fs::remove_file(self.dir.join(step)).unwrap();
    }

    /// The calls since the last check: `get refresh-token`.
    pub fn calls(&self) -> Vec<String> {
        let path = self.dir.join("calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        fs::remove_file(path).ok();
        calls.lines().map(str::to_owned).collect()
    }

    /// The documents in the store.
    pub fn items(&self) -> Vec<String> {
        let files = fs::read_dir(self.dir.join("items")).unwrap();
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }
}
