// For a script with Spotinst's Node SDK (`npm install spotinst-sdk-nodejs`): run
// `spotinst-cred exec --min-ttl 30m -- node sdk.js`. The SDK reads token and account from the environment.
const { Client } = require("spotinst-sdk-nodejs");

new Client().AwsGroupService.list().then((groups) => {
    for (const group of groups) console.log(group.id, group.name);
});
