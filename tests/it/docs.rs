//! The documentation: the README's examples run, everything that a page names exists, and everything is documented.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::examples::{ACCOUNT, find};
use crate::fake_network::FakeNetwork;
use crate::sandbox::{Outcome, Running, Sandbox, path_with_program};
use stand_in::{StandIn, spotinst};

/// The widest line, in characters. Tables and lines with a link may be wider.
const WIDTH: usize = 120;

/// Pages about other programs: an option without a command there may be another program's.
const ABOUT_OTHERS: [&str; 3] = ["contrib/docs/integrations.md", "contrib/docs/fleets.md", "contrib/fleet"];

/// Options that take a value: the next word is not a command.
const WITH_VALUE: [&str; 10] =
    ["-f", "--format", "-o", "--output", "-p", "--profile", "--min-ttl", "--config", "--cache-dir", "--timeout"];

struct Page {
    /// Relative to the repository.
    path: PathBuf,
    text: String,
}

/// A fenced block of code.
struct Block {
    language: String,
    text: String,
    /// The text of `<!-- not run: … -->` before it.
    not_run: Option<String>,
}

#[test]
fn every_shell_block_of_the_readme_runs() {
    let readme = page("README.md");
    let mut count = 0;
    for block in readme.blocks_of("sh") {
        if let Some(reason) = block.not_run {
            assert!(!reason.trim().is_empty(), "no reason: {}", block.text);
            continue;
        }
        count += 1;
        let network = reader();
        let outcome = in_sh(&network.sandbox, &format!("{}\nprintf '\\n%s' \"${{SPOTINST_TOKEN-}}\"", block.text));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{}: {outcome:?}", block.text);
        if block.text.contains("SPOTINST_TOKEN=$(") {
            assert_eq!(outcome.stdout.lines().last(), Some(&*network.token()), "{}", block.text);
        }
    }
    assert!(count >= 3, "only {count} blocks run");
}

#[test]
fn the_makefile_of_the_readme_exports_the_token() {
    let Some(_) = find("make") else { return };
    let network = reader();
    let [block] = &page("README.md").blocks_of("make")[..] else { panic!("one block") };
    let makefile = format!("{}\nall:\n\t@echo \"$$SPOTINST_TOKEN\"\n", block.text);
    fs::write(network.sandbox.path().join("Makefile"), makefile).unwrap();

    let outcome = in_sh(&network.sandbox, "make");

    outcome.prints(&format!("{}\n", network.token()));
}

#[test]
fn kubectl_reads_the_plugin_of_the_readme() {
    let Some(_) = find("kubectl") else { return };
    let sandbox = Sandbox::new();
    let [block] = &page("README.md").blocks_of("yaml")[..] else { panic!("one block") };
    sandbox.write(".kube/config", &block.text);

    let path = "{.users[0].user.exec.command} {.users[0].user.exec.args}";
    let outcome = in_sh(&sandbox, &format!("kubectl config view -o jsonpath='{path}'"));

    outcome.prints("spotinst-cred [\"-f\",\"kubernetes\"]");
}

#[test]
fn the_document_of_the_readme_is_json() {
    let [block] = &page("README.md").blocks_of("json")[..] else { panic!("one block") };
    let document: serde_json::Value = serde_json::from_str(&block.text).unwrap();
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let printed = sandbox.set("SPOTINST_ACCOUNT", ACCOUNT).run(["-f", "json"]).stdout;
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&document), names(&printed));
}

#[test]
fn every_configuration_file_is_valid() {
    for page in pages() {
        for block in page.blocks_of("toml") {
            let sandbox = Sandbox::new();
            let has_profile = block.text.lines().any(|line| line.starts_with("[profiles."));
            let head = if has_profile { "" } else { "[profiles.default]\ngrant = 'command'\n" };
            let text = format!("{head}{}", block.text);
            sandbox.config(&text);
            let names = text.lines().filter_map(|line| line.strip_prefix("[profiles.")?.strip_suffix(']'));
            for name in names {
                let outcome = sandbox.run(["status", "-p", name]);
                let is_good = outcome.status == Some(0) && !outcome.stdout.contains("\ntrouble ");
                assert!(is_good, "{}: {outcome:?}", page.path.display());
            }
        }
    }
}

#[test]
fn every_link_resolves() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in page.links() {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let own = page.path.file_name().unwrap().to_str().unwrap();
            let target = page.path.parent().unwrap().join(if file.is_empty() { own } else { file });
            let text = fs::read_to_string(root().join(&target));
            let is_there = root().join(&target).exists();
            let has_anchor = || text.unwrap_or_default().lines().filter_map(heading).any(|id| id == anchor);
            if !is_there || (!anchor.is_empty() && !has_anchor()) {
                broken.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_linked_from_the_readme() {
    let links = page("README.md").links();
    for page in pages().iter().filter(|page| page.path.starts_with("contrib/docs")) {
        let path = page.path.to_str().unwrap();
        assert!(links.iter().any(|link| link.split('#').next() == Some(path)), "no link to {path}");
    }
}

#[test]
fn every_file_that_is_named_exists() {
    const OURS: [&str; 5] = ["contrib/", "tests/", "src/", ".ci/", ".github/"];
    for page in pages() {
        for span in page.code_spans() {
            let name = span.split_whitespace().next().unwrap_or_default();
            let is_source = name.ends_with(".rs") && name.contains('/');
            let exists = [root().join(name), root().join("src").join(name)].iter().any(|path| path.exists());
            let is_ours = OURS.iter().any(|folder| name.starts_with(folder)) || is_source;
            assert!(!is_ours || exists, "{}: {name} does not exist", page.path.display());
        }
    }
}

#[test]
fn every_option_and_command_that_is_named_exists() {
    let (options, commands) = (options(), commands());
    let mut unknown = Vec::new();
    for page in pages() {
        let about_others = ABOUT_OTHERS.iter().any(|path| page.path.starts_with(path));
        let mut named: Vec<String> = page.code_lines().iter().flat_map(|line| words_after_program(line)).collect();
        if !about_others {
            named.extend(page.code_spans().iter().filter(|span| span.starts_with('-')).map(first_word));
        }
        for word in named {
            let is_known = if word.starts_with('-') { options.contains(&word) } else { commands.contains(&word) };
            if !is_known {
                unknown.push(format!("{}: {word}", page.path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_option_command_format_and_exit_status_is_documented() {
    let page = page("contrib/docs/commands.md");
    let cells: BTreeSet<String> =
        page.code_spans().iter().flat_map(|span| span.split(' ').map(str::to_owned)).collect();
    let rows: String = page.text.lines().filter(|line| line.starts_with('|')).collect();
    let help = help(&[]);
    let formats = section(&help, "Formats:").into_iter().map(first_word);
    let missing: Vec<_> =
        options().into_iter().chain(commands()).chain(formats).filter(|name| !cells.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let (_, statuses) = help.split_once("Exit status:").unwrap();
    for status in statuses.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()) {
        assert!(rows.contains(&format!("| {status} |")), "exit status {status}");
    }
}

#[test]
fn every_variable_that_is_named_exists() {
    let known = documented_variables();
    for page in pages() {
        for variable in variables(&page.text, "SPOTINST_") {
            assert!(known.contains(&variable), "{}: {variable}", page.path.display());
        }
    }
}

/// The table of settings is generated; the other variables are in the source.
#[test]
fn every_variable_that_is_read_is_documented() {
    let known = documented_variables();
    let environment = fs::read_to_string(root().join("src/sys/env.rs")).unwrap();
    let literals = environment.split('"').skip(1).step_by(2);
    let is_name = |text: &&str| text.len() > 3 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    for variable in literals.filter(is_name) {
        assert!(known.contains(variable), "{variable}");
    }
}

#[test]
fn every_message_in_the_readme_is_printed_by_the_program() {
    let is_test = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("docs.rs");
    let tests = fs::read_dir(root().join("tests/it")).unwrap().map(|file| file.unwrap().path()).filter(is_test);
    // A long message may continue on the next line of the source.
    let tests: String = tests.map(|path| unfolded(&fs::read_to_string(path).unwrap())).collect();
    let source = source();
    let readme = page("README.md");
    let (_, table) = readme.text.split_once("| message | cure |").unwrap();
    let rows: Vec<_> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let message = row.split('`').nth(1).unwrap();
        for part in message.split('…').map(|part| part.trim_matches([' ', ','])).filter(|part| part.len() > 3) {
            assert!(tests.contains(part) || source.contains(part), "no message has {part:?}");
        }
    }
}

#[test]
fn the_readme_is_short_and_shows_a_command_early() {
    let text = page("README.md").text;
    let command = text.find("SPOTINST_TOKEN=$(spotinst-cred)").unwrap();
    let words = text[..command].split_whitespace().count();
    assert!(words < 150, "{words} words before the first command");
    let lines = text.lines().count();
    assert!(lines <= 162, "{lines} lines");
}

#[test]
fn lines_are_not_too_wide() {
    for page in pages() {
        for (number, line) in page.text.lines().enumerate() {
            let is_excepted = line.starts_with('|') || line.contains("](") || line.contains("://");
            let location = format!("{}:{}", page.path.display(), number + 1);
            assert!(is_excepted || line.chars().count() <= WIDTH, "{location}: {line}");
        }
    }
}

impl Page {
    fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut before, mut lines) = (Vec::new(), "", self.text.lines());
        while let Some(line) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let text = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
                let not_run = before.strip_prefix("<!-- not run:").map(|rest| rest.replace("-->", ""));
                blocks.push(Block { language: language.to_owned(), text, not_run });
            }
            before = line;
        }
        blocks
    }

    fn blocks_of(&self, language: &str) -> Vec<Block> {
        self.blocks().into_iter().filter(|block| block.language == language).collect()
    }

    /// The text outside of blocks.
    fn prose(&self) -> String {
        self.text.split("\n```").step_by(2).collect()
    }

    fn code_spans(&self) -> Vec<String> {
        self.prose().split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
    }

    /// Inline code, and the lines of blocks.
    fn code_lines(&self) -> Vec<String> {
        let blocks = self.blocks();
        let lines = blocks.iter().flat_map(|block| block.text.lines());
        self.code_spans().into_iter().chain(lines.map(str::to_owned)).collect()
    }

    /// The targets of links and pictures within this repository.
    fn links(&self) -> Vec<String> {
        let prose = self.prose();
        let ends = [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')];
        let targets = ends.iter().flat_map(|(start, end)| {
            prose.split(start).skip(1).map(|rest| rest.split(*end).next().unwrap()).collect::<Vec<_>>()
        });
        targets.filter(|target| !target.contains("://")).map(str::to_owned).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(path: &str) -> Page {
    Page { path: path.into(), text: fs::read_to_string(root().join(path)).unwrap() }
}

/// The README, and all pages of the folders with documentation.
fn pages() -> Vec<Page> {
    let folders = [
        "contrib/docs",
        "contrib/fleet",
        "contrib/fleet/etcd",
        "contrib/fleet/openbao",
        ".github",
        ".github/ISSUE_TEMPLATE",
    ];
    let files = folders.iter().flat_map(|folder| {
        let names = fs::read_dir(root().join(folder)).unwrap().map(|file| file.unwrap().file_name());
        names.map(|name| format!("{folder}/{}", name.to_str().unwrap())).collect::<Vec<_>>()
    });
    let files = files.filter(|file| file.ends_with(".md"));
    ["README.md", "CHANGELOG.md"].map(str::to_owned).into_iter().chain(files).map(|path| page(&path)).collect()
}

/// A user with the README's configuration, a password manager that prints the secrets, and a `terraform` that checks
/// its environment.
fn reader() -> FakeNetwork {
    let mut network = FakeNetwork::start();
    let sandbox = &mut network.sandbox;
    for variable in ["USERNAME", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET", "ACCOUNT"] {
        sandbox.unset(&format!("SPOTINST_{variable}"));
    }
    let [configuration] = &page("README.md").blocks_of("toml")[..] else { panic!("one block") };
    sandbox.config(&configuration.text);
    let secrets =
        [("password", spotinst::PASSWORD), ("client-secret", spotinst::CLIENT_SECRET), ("permanent-token", "t0")];
    let cases: String = secrets.iter().map(|(name, value)| format!("spotinst/{name}) echo '{value}';;\n")).collect();
    sandbox.script("bin/pass", &format!("case $2 in\n{cases}esac"));
    let directory = sandbox.script("bin/terraform", "test -n \"$SPOTINST_TOKEN\" -a -n \"$SPOTINST_ACCOUNT\"");
    let path = path_with_program();
    let own = directory.parent().unwrap().to_owned();
    sandbox.set("PATH", std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path))).unwrap());
    network
}

fn in_sh(sandbox: &Sandbox, script: &str) -> Outcome {
    Running::start(sandbox.command("sh").args(["-c", script])).end()
}

/// The anchor of a heading, as GitHub makes it.
fn heading(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?.to_lowercase();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}

/// What `--help` prints.
fn help(command: &[&str]) -> String {
    let sandbox = Sandbox::new();
    Running::start(sandbox.program([]).args(command).arg("--help")).end().stdout
}

/// The entries below a title of the help.
fn section<'a>(help: &'a str, title: &str) -> Vec<&'a str> {
    let (_, rest) = help.split_once(&format!("\n{title}\n")).unwrap();
    rest.lines().take_while(|line| !line.is_empty()).map(str::trim).collect()
}

fn commands() -> BTreeSet<String> {
    // The help has no lines for the last two.
    section(&help(&[]), "Commands:").into_iter().map(first_word).chain(["help", "version"].map(str::to_owned)).collect()
}

/// All options of all commands, short and long.
fn options() -> BTreeSet<String> {
    let commands = commands();
    let helps = std::iter::once(help(&[])).chain(commands.iter().map(|command| help(&[command])));
    let lines: Vec<String> =
        helps.flat_map(|help| help.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()).collect();
    let names = lines.iter().filter(|line| line.starts_with('-')).flat_map(|line| line.split([' ', ',']));
    names.filter(|word| word.starts_with('-')).map(str::to_owned).collect()
}

/// The options and the command of each call of the program in a line of code.
fn words_after_program(line: &str) -> Vec<String> {
    // Includes arguments in TOML and JSON, where a colon marks a key.
    let line = line.replace("\":", ":").replace(['"', '[', ']', ',', '\''], " ");
    let mut words = Vec::new();
    for (start, _) in line.match_indices("spotinst-cred ") {
        let before = line[..start].chars().next_back();
        if before.is_none_or(|c| matches!(c, ' ' | '(' | '/')) {
            words.extend(of_call(&line[start + "spotinst-cred ".len()..]));
        }
    }
    words
}

fn of_call(arguments: &str) -> Vec<String> {
    const ENDS: [&str; 8] = ["|", "\\|", "||", "&&", ";", "--", "#", "…"];
    let (mut named, mut words) = (Vec::new(), arguments.split_whitespace());
    let mut has_command = false;
    while let Some(word) = words.next() {
        if ENDS.contains(&word) || word.starts_with(['>', '#']) {
            break;
        }
        let (word, is_last) = word.split_once([')', ';']).map_or((word, false), |(word, _)| (word, true));
        if word.starts_with('-') {
            named.push(word.to_owned());
            if WITH_VALUE.contains(&word) && words.next().is_some_and(|value| value.ends_with([')', ';'])) {
                break;
            }
        } else if !has_command && !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()) {
            named.push(word.to_owned());
            has_command = true;
        }
        if is_last {
            break;
        }
    }
    named
}

fn first_word(text: impl AsRef<str>) -> String {
    text.as_ref().split([' ', ',']).next().unwrap_or_default().to_owned()
}

/// The names in this text that begin with `start`.
fn variables(text: &str, start: &str) -> BTreeSet<String> {
    let names = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    names.filter(|name| name.starts_with(start) && name.len() > start.len()).map(str::to_owned).collect()
}

fn documented_variables() -> BTreeSet<String> {
    variables(&page("contrib/docs/settings.md").code_spans().join(" "), "")
}

/// Rust source, with each string literal that continues on the next line joined.
fn unfolded(source: &str) -> String {
    source.split("\\\n").map(str::trim_start).collect::<Vec<_>>().concat()
}

/// The program's own source.
fn source() -> String {
    let mut folders = vec![root().join("src")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                text.push_str(&unfolded(&fs::read_to_string(entry).unwrap()));
            }
        }
    }
    text
}
