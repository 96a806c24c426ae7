// What npm's mailauth makes of each domain named: a line of JSON for each, in any order.
//
//     node look.js NODE_MODULES DOMAIN…
"use strict";

const [modules, ...domains] = process.argv.slice(2);
const { getPolicy } = require(`${modules}/mailauth/lib/mta-sts`);

async function look(domain) {
    const { policy, status } = await getPolicy(domain, null, {});
    const error = policy.error ? String(policy.error.code || policy.error) : null;
    console.log(JSON.stringify({ domain, status, mode: policy.mode, mx: policy.mx || [], error }));
}

Promise.all(domains.map(look));
