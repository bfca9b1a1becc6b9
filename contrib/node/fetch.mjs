// For a program of Node 18 or newer that lives longer than a token: `import { spotinst } from "./fetch.mjs"`, a `fetch`
// for Spotinst's API. Each request to one of Spotinst's hosts gets a token that is good, and any other host gets none:
// `spotinst-cred get` refuses. A token that the API rejects is reported, and the request is sent once more, with a new
// one, so a body must be a text or bytes, and no stream.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export async function spotinst(url, options = {}) {
    const headers = new Headers(options.headers);
    await authorize(headers, url);
    const response = await fetch(url, { ...options, headers });
    if (response.status !== 401) return response;

    await response.arrayBuffer(); // all of it must be read before the connection can be used again
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
    running.child.stdin.on("error", () => {}); // it may end before it has read; then its status says why
    running.child.stdin.end(text);
    return (await running).stdout;
}
