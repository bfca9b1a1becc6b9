// Installs the program, gets a token from it, and passes the token to the following steps. It needs only Node.
"use strict";
const { execFileSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

// The inputs that the program reads from its environment.
const CREDENTIALS = {
    username: "SPOTINST_USERNAME",
    password: "SPOTINST_PASSWORD",
    "client-id": "SPOTINST_CLIENT_ID",
    "client-secret": "SPOTINST_CLIENT_SECRET",
    account: "SPOTINST_ACCOUNT",
};

async function main() {
    const directory = fs.mkdtempSync(path.join(process.env.RUNNER_TEMP, "spotinst-cred-"));
    // First, so that the post step removes it even if a later step fails.
    append("GITHUB_STATE", [["directory", directory]]);
    const bytes = await read(input("source"));
    check(bytes, input("sha256"));
    const program = install(bytes, directory);

    const cache = path.join(directory, "cache");
    const answer = ask(program, cache);
    for (const secret of [answer.access_token, answer.account]) {
        if (secret) fs.writeSync(1, `::add-mask::${secret}\n`);
    }
    fs.appendFileSync(process.env.GITHUB_PATH, `${path.dirname(program)}\n`);
    const account = answer.account ? [["SPOTINST_ACCOUNT", answer.account], ["SPOTINST_ACCOUNT_ID", answer.account]] : [];
    // Later calls of the program, which need credentials, share this login.
    append("GITHUB_ENV", [["SPOTINST_TOKEN", answer.access_token], ...account, ["SPOTINST_CRED_CACHE_DIR", cache]]);
}

function input(name) {
    const value = process.env[`INPUT_${name.toUpperCase()}`]?.trim();
    if (!value && (name === "source" || name === "sha256")) throw new Error(`the input ${name} is missing`);
    return value;
}

async function read(source) {
    if (!/^[a-z]+:\/\//i.test(source)) {
        return fs.readFileSync(path.resolve(process.env.GITHUB_WORKSPACE ?? ".", source));
    }
    if (!source.startsWith("https://")) throw new Error("the source is neither an https URL nor a path");
    const response = await fetch(source, { signal: AbortSignal.timeout(120_000) });
    if (!response.ok) throw new Error(`the source cannot be downloaded: HTTP ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
}

function check(bytes, wanted) {
    const found = createHash("sha256").update(bytes).digest("hex");
    if (found !== wanted.toLowerCase()) throw new Error(`the source's SHA-256 is ${found}, not ${wanted}`);
}

// Returns the program's path, in a new directory.
function install(bytes, directory) {
    const program = path.join(directory, "bin", "spotinst-cred");
    fs.mkdirSync(path.dirname(program));
    const isTarball = bytes[0] === 0x1f && bytes[1] === 0x8b;
    if (isTarball) {
        const arguments_ = ["-xzf", "-", "--strip-components=1", "-C", path.dirname(program)];
        execFileSync("tar", arguments_, { input: bytes });
    } else {
        fs.writeFileSync(program, bytes);
    }
    fs.chmodSync(program, 0o755);
    return program;
}

function ask(program, cache) {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INPUT_")));
    environment.SPOTINST_CRED_CACHE_DIR = cache;
    for (const [name, variable] of Object.entries(CREDENTIALS)) {
        if (input(name)) environment[variable] = input(name);
    }
    const options = { env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] };
    try {
        return JSON.parse(execFileSync(program, ["--format", "json", "--min-ttl", input("min-ttl") || "30m"], options));
    } catch (error) {
        // The program has printed the reason on stderr. The text of the error could contain the token.
        const status = typeof error.status === "number" ? `exit status ${error.status}` : error.code;
        throw new Error(`spotinst-cred printed no token: ${status ?? "the output is not JSON"}`);
    }
}

// Writes all lines at once, because other processes append to these files too.
function append(file, variables) {
    fs.appendFileSync(process.env[file], variables.map(([name, value]) => `${name}=${value}\n`).join(""));
}

main().catch((error) => {
    fs.writeSync(1, `::error::${error.message.replaceAll(/[\r\n]+/g, " ")}\n`);
    process.exitCode = 1;
});
