//! The layers of the source: which module may import which, no import cycles, and one place for the operating system.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The top-level modules of `src`, from the bottom. A module imports only modules of the layers below its own; modules
/// of one layer do not know each other.
const LAYERS: &[&[&str]] = &[
    &["error", "sourced", "text"],
    &["sys"],
    &["sdk_file", "settings", "token", "transport", "url"],
    &["cache", "config", "format", "http"],
    &["oauth"],
    &["get_token"],
    &["cli"],
    &["commands"],
    &["main", "fuzz_targets"],
];

/// The folders of `sys` that are its module `os`, each on its own systems.
const SYSTEMS: [&str; 2] = ["unix", "windows"];

/// Paths that exist on some systems only. Only `sys` may use them.
const OS_PATHS: &[&[&str]] =
    &[&["std", "os"], &["rustix"], &["libc"], &["signal_hook"], &["winapi_util"], &["win32job"], &["ctrlc"]];

/// What a `cfg` names to depend on the operating system. Only `sys` may do so.
const OS_CONDITIONS: &[&str] = &["unix", "windows", "target_os", "target_family", "target_env", "target_vendor"];

#[test]
fn every_module_imports_only_what_is_below_it() {
    for system in SYSTEMS {
        assert_eq!(wrong_imports(&Source::read(system)), Vec::<String>::new());
    }
}

#[test]
fn no_file_imports_itself_through_others() {
    for system in SYSTEMS {
        let imports = Source::read(system).imports();
        for (file, target) in [
            ("commands/print.rs", "sys/output_file.rs".to_owned()),
            ("format/mod.rs", "format/lines.rs".to_owned()),
            ("sys/drafts.rs", format!("sys/{system}/mod.rs")),
            (&format!("sys/{system}/mod.rs"), format!("sys/{system}/streams.rs")),
            (&format!("sys/{system}/streams.rs"), "sys/stdout_kind.rs".to_owned()),
        ] {
            assert!(imports[file].contains(&target), "{file} imports {target}: {:?}", imports[file]);
        }
        assert_eq!(cycle(&imports), None);
    }
}

#[test]
fn only_sys_depends_on_the_operating_system() {
    let files = read_code("src");
    let found = files.iter().filter(|(path, code)| !path.starts_with("sys/") && is_os_dependent(code));
    assert_eq!(found.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn only_the_root_and_os_of_the_tests_depend_on_the_operating_system() {
    // Modules of what only Unix has are left out as a whole, in `main.rs`. This file has the words as text.
    let files = read_code("tests/it");
    let is_other = |path: &str| !path.starts_with("os/") && path != "main.rs" && path != "architecture.rs";
    let found = files.iter().filter(|(path, code)| is_other(path) && has_os_condition(code));
    assert_eq!(found.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn code_that_depends_on_the_operating_system_is_found() {
    for code in [
        "#[cfg(unix)]",
        "#[cfg(not(windows))]",
        "#[cfg(all(test, any(unix, windows)))]",
        "#[cfg(\n    all(test, unix)\n)]",
        "#[cfg_attr(windows, path = \"windows/mod.rs\")]",
        "let is_linux = cfg!(target_os = \"linux\");",
        "#[cfg(target_family = \"unix\")]",
        "use std::os::unix::fs::MetadataExt;",
        "use std::{fs, os::windows::io::AsHandle};",
        "fn f() { std::os::fd::AsFd::as_fd(&file) }",
        "use rustix::fs::fstat;",
        "fn f() { winapi_util::console::mode(stdin) }",
    ] {
        assert!(is_os_dependent(code), "{code}");
    }
    for code in [
        "#[cfg(test)]",
        "#[cfg(any(test, fuzzing))]",
        "#[cfg(feature = \"x\")] fn on_windows(unix: bool) {}",
        "use crate::sys::os;",
        "let shell = \"windows\";",
    ] {
        assert!(!is_os_dependent(code), "{code}");
    }
}

#[test]
fn a_wrong_import_is_reported_with_both_files() {
    let source =
        Source::of(&[("token.rs", "use crate::cache::entry::Entry;"), ("cache/entry.rs", ""), ("cache/mod.rs", "")]);
    assert_eq!(wrong_imports(&source), ["src/token.rs must not import src/cache/entry.rs"]);
    let beside = Source::of(&[("http/tls.rs", "fn f() { crate::config::g() }"), ("config/mod.rs", "")]);
    assert_eq!(wrong_imports(&beside), ["src/http/tls.rs must not import src/config/mod.rs"]);
    let unknown = Source::of(&[("helpers.rs", "")]);
    assert_eq!(wrong_imports(&unknown), ["src/helpers.rs is in no layer"]);
}

#[test]
fn a_cycle_is_reported_with_its_files() {
    let source = Source::of(&[
        ("cache/mod.rs", "mod lock;\nmod gc;\nuse lock::Guard;\npub struct Cache;"),
        ("cache/lock.rs", "use super::gc;"),
        ("cache/gc.rs", "use super::{\n    Cache,\n};"),
    ]);
    let expected = ["src/cache/gc.rs", "src/cache/mod.rs", "src/cache/lock.rs", "src/cache/gc.rs"].map(str::to_owned);
    assert_eq!(cycle(&source.imports()), Some(expected.to_vec()));
}

/// The files of `src` by their paths, without tests and comments, and without those of other systems.
struct Source {
    system: &'static str,
    files: BTreeMap<String, String>,
}

type Imports = BTreeMap<String, BTreeSet<String>>;

impl Source {
    fn read(system: &'static str) -> Self {
        let mut files = read_code("src");
        for other in SYSTEMS.iter().filter(|other| **other != system) {
            files.retain(|path, _| !path.starts_with(&format!("sys/{other}/")));
        }
        let tests: Vec<_> = files.values().flat_map(|code| test_modules(code)).collect();
        let is_test = |path: &str, module: &String| {
            path.ends_with(&format!("{module}.rs")) || path.contains(&format!("/{module}/"))
        };
        files.retain(|path, _| !path.ends_with("tests.rs") && !tests.iter().any(|module| is_test(path, module)));
        Self { system, files: files.into_iter().map(|(path, code)| (path, without_tests(&code))).collect() }
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect();
        Self { system: "unix", files }
    }

    /// The files that each file imports.
    fn imports(&self) -> Imports {
        let imported = |(path, code): (&String, &String)| {
            let targets = paths(code).into_iter().filter_map(|import| self.resolve(path, &import));
            (path.clone(), targets.filter(|target| target != path).collect())
        };
        self.files.iter().map(imported).collect()
    }

    /// The file of the module that a path in `file` leads to.
    fn resolve(&self, file: &str, import: &[String]) -> Option<String> {
        let module = self.module_of(file);
        let (first, rest) = import.split_first()?;
        let (mut at, rest) = match first.as_str() {
            "crate" => (Vec::new(), rest),
            "self" => (module, rest),
            "super" => (module.split_last()?.1.to_vec(), rest),
            // A child module, which only the file that declares it can name without a prefix.
            _ if self.file_of(&[module.clone(), vec![first.clone()]].concat()).is_some() => (module, import),
            _ => return None,
        };
        let mut found = self.file_of(&at);
        for part in rest {
            at.push(part.clone());
            match self.file_of(&at) {
                Some(file) => found = Some(file),
                None => break,
            }
        }
        found
    }

    fn file_of(&self, module: &[String]) -> Option<String> {
        if module.is_empty() {
            return Some("main.rs".to_owned());
        }
        let path = module.join("/").replace("sys/os", &format!("sys/{}", self.system));
        [format!("{path}.rs"), format!("{path}/mod.rs")].into_iter().find(|path| self.files.contains_key(path))
    }

    /// The path of a file's module from the crate's root. `sys::os` is the folder of the operating system.
    fn module_of(&self, file: &str) -> Vec<String> {
        let path = file.trim_end_matches(".rs").trim_end_matches("mod").trim_end_matches('/');
        if path == "main" {
            return Vec::new();
        }
        path.replace(&format!("sys/{}", self.system), "sys/os").split('/').map(str::to_owned).collect()
    }
}

/// The files of a folder by their paths, without comments.
fn read_code(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = BTreeMap::new();
    collect(&root, &root, &mut files);
    assert!(files.len() > 50, "{} files in {}", files.len(), root.display());
    files
}

/// Whether the code is another one, or none, on some operating system.
fn is_os_dependent(code: &str) -> bool {
    has_os_condition(code) || paths(code).iter().any(|path| OS_PATHS.iter().any(|os_path| starts_with(path, os_path)))
}

/// Whether a part of the code is compiled for some operating systems only.
fn has_os_condition(code: &str) -> bool {
    let conditions = ["cfg(", "cfg!(", "cfg_attr("].iter().flat_map(|start| code.split(start).skip(1));
    let words = |condition: &str| {
        let end = closing_parenthesis(condition);
        let words = condition[..end].split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned);
        words.collect::<Vec<_>>()
    };
    conditions.flat_map(words).any(|word| OS_CONDITIONS.contains(&word.as_str()))
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let parts: Vec<_> = path.strip_prefix(root).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
            let name = parts.join("/");
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            files.insert(name, code.map(|line| format!("{line}\n")).collect());
        }
    }
}

/// The modules that are compiled for tests only.
fn test_modules(code: &str) -> Vec<String> {
    let parts = code.split("#[cfg(test)]\n").skip(1);
    let name = |part: &str| Some(part.trim_start_matches("pub ").strip_prefix("mod ")?.split_once(';')?.0.to_owned());
    parts.filter_map(name).filter(|name| !name.contains('{')).collect()
}

/// The code before its module of tests, which is at the end.
fn without_tests(code: &str) -> String {
    code.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

fn starts_with(path: &[String], start: &[&str]) -> bool {
    path.len() >= start.len() && path.iter().zip(start).all(|(part, expected)| part == expected)
}

/// Where the parenthesis closes that is open before the text.
fn closing_parenthesis(text: &str) -> usize {
    let mut depth = 1;
    let closes = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    };
    text.find(closes).unwrap_or(text.len())
}

/// All paths in the code, those of `use` with their braces expanded.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let start = rest[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |before| before + 1);
        let path = &rest[start..];
        let end =
            if path.starts_with("crate::") || is_in_use(&rest[..start]) { tree_end(path) } else { path_end(path) };
        paths.extend(expanded(&path[..end]));
        rest = &path[end.max(at - start + 2)..];
    }
    paths
}

fn is_in_use(before: &str) -> bool {
    before.trim_end().ends_with("use")
}

fn path_end(path: &str) -> usize {
    path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(path.len())
}

/// The end of a path with braces.
fn tree_end(path: &str) -> usize {
    let mut depth = 0;
    for (at, c) in path.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            _ if depth > 0 || c.is_alphanumeric() || c == '_' || c == ':' => {}
            _ => return at,
        }
    }
    path.len()
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let parts =
        |path: &str| path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let Some((stem, inner)) = tree.split_once('{') else { return vec![parts(tree)] };
    let stem: Vec<String> = parts(stem);
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(inner[start..at].trim());
                start = (at + 1).min(inner.len());
            }
            _ => {}
        }
    }
    let branches = branches.into_iter().filter(|branch| !branch.is_empty()).flat_map(expanded);
    branches.map(|branch| [stem.clone(), branch].concat()).collect()
}

/// The layer of a file's top-level module.
fn layer(file: &str) -> Option<usize> {
    let module = file.split('/').next().unwrap().trim_end_matches(".rs");
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn wrong_imports(source: &Source) -> Vec<String> {
    let top = |file: &str| file.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    let mut wrong = Vec::new();
    for (file, targets) in source.imports() {
        let Some(own) = layer(&file) else {
            wrong.push(format!("src/{file} is in no layer"));
            continue;
        };
        let is_wrong = |target: &&String| top(target) != top(&file) && layer(target).is_none_or(|other| other >= own);
        wrong.extend(targets.iter().filter(is_wrong).map(|target| format!("src/{file} must not import src/{target}")));
    }
    wrong
}

/// The files of an import cycle, the first one twice.
fn cycle(imports: &Imports) -> Option<Vec<String>> {
    fn visit(
        file: &str,
        imports: &Imports,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|on_path| on_path == file) {
            let files = path[start..].iter().map(String::as_str).chain([file]);
            return Some(files.map(|file| format!("src/{file}")).collect());
        }
        if !done.insert(file.to_owned()) {
            return None;
        }
        path.push(file.to_owned());
        let found = imports[file].iter().find_map(|target| visit(target, imports, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|file| visit(file, imports, &mut Vec::new(), &mut done))
}
