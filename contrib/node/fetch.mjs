// For a program of Node 18 or newer that runs longer than a token is valid: `import { spotinst } from "./fetch.mjs"`, a
// `fetch` for Spotinst's API. Each request to one of Spotinst's hosts gets a valid token. Other hosts get none, because
// `spotinst-cred get` refuses. If the API rejects a token, it is reported, and the request is retried once with a new
// one, so a body must be text or bytes, not a stream.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export async function spotinst(url, options = {}) {
    const headers = new Headers(options.headers);
    await authorize(headers, url);
    const response = await fetch(url, { ...options, headers });
    if (response.status !== 401) return response;

    await response.arrayBuffer(); // the connection can be reused only after the whole body is read
    await run("invalidate", headers.get("Authorization").replace(/^Bearer /, ""));
    await authorize(headers, url);
    return fetch(url, { ...options, headers });
}

async function authorize(headers, url) {
    const answer = JSON.parse(await run("get", JSON.stringify({ uri: String(url) })));
    for (const [name, values] of Object.entries(answer.headers)) headers.set(name, values.join(", "));
}

async function run(command, text) {
    const running = promisify(execFile)("spotinst-cred", [command]);
    running.child.stdin.on("error", () => {}); // it may exit before reading; then its exit status says why
    running.child.stdin.end(text);
    return (await running).stdout;
}
