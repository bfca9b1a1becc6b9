// At the end of the job, deletes the cached token and the program. The service cannot revoke a token, so it stays valid
// until it expires, but no file on the runner has it.
"use strict";
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const directory = process.env.STATE_directory;
if (directory) {
    try {
        const environment = { ...process.env, SPOTINST_CRED_CACHE_DIR: path.join(directory, "cache") };
        const program = path.join(directory, "bin", "spotinst-cred");
        if (fs.existsSync(program)) execFileSync(program, ["logout", "--all"], { env: environment, stdio: "inherit" });
    } catch (error) {
        fs.writeSync(1, `::warning::spotinst-cred logout failed: status ${error.status}\n`);
    } finally {
        fs.rmSync(directory, { recursive: true, force: true });
    }
}
