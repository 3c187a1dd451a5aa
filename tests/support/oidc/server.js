// SPDX-License-Identifier: LGPL-2.1-or-later
// A real authorization server (oidc-provider) for tests, on a free port of 127.0.0.1. See ../oidc.py.
//
//     node server.js '{"accessToken": 3600, ...}'     prints one line, {"port": ...}; ends when stdin does
//
// Any user name may sign in. Below /test/ there is what no real server has: see `control`.

import { createServer } from "node:http";
import { createPublicKey } from "node:crypto";
import { parse } from "node:querystring";

import { jwtVerify } from "jose";
import { nanoid } from "nanoid";
import Provider, { errors } from "oidc-provider";

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const options = {
    accessToken: 3600,
    refreshToken: 86400,
    deviceCode: 600,
    interval: 1,
    rotates: true,
    secret: "a client secret/+=",
    mailbox: "", // whose mail an application may read by client_credentials
    issuer: "", // who signs assertions with `key`, a public key in PEM
    key: "",
    ...JSON.parse(process.argv[2] ?? "{}"),
};

process.stdin.on("end", () => process.exit()).resume();
// It warns of what a server for tests has, and stdout is for one line.
console.info = console.warn = () => {};

// It makes room for 128 names as long as the first one, and for tokens of this length it cannot.
nanoid();

const stored = new Map();
const ofGrants = ["AccessToken", "AuthorizationCode", "RefreshToken", "DeviceCode"];
const now = () => Math.floor(Date.now() / 1000);

class Adapter {
    constructor(model) {
        this.model = model;
    }

    async find(id) {
        return stored.get(`${this.model}:${id}`);
    }

    findBy(name, value) {
        const prefix = `${this.model}:`;
        return [...stored].find(([key, entry]) => key.startsWith(prefix) && entry[name] === value)?.[1];
    }

    async findByUid(uid) {
        return this.findBy("uid", uid);
    }

    async findByUserCode(code) {
        return this.findBy("userCode", code);
    }

    async upsert(id, entry) {
        stored.set(`${this.model}:${id}`, entry);
    }

    async consume(id) {
        stored.get(`${this.model}:${id}`).consumed = now();
    }

    async destroy(id) {
        stored.delete(`${this.model}:${id}`);
    }

    async revokeByGrantId(grantId) {
        forget((key, entry) => ofGrants.includes(key.split(":")[0]) && entry.grantId === grantId);
    }
}

function forget(isMeant) {
    for (const [key, entry] of stored) {
        if (isMeant(key, entry)) {
            stored.delete(key);
        }
    }
}

const person = ["authorization_code", "refresh_token", DEVICE];
const client = {
    application_type: "native",
    redirect_uris: ["http://127.0.0.1/"],
    response_types: ["code"],
};

const configuration = issuer => ({
    adapter: Adapter,
    clients: [
        { ...client, client_id: "public", grant_types: person, token_endpoint_auth_method: "none" },
        ...["basic", "post"].map(method => ({
            ...client,
            client_id: method,
            client_secret: options.secret,
            grant_types: [...person, "client_credentials"],
            token_endpoint_auth_method: `client_secret_${method}`,
        })),
        {
            client_id: "service",
            grant_types: [JWT],
            redirect_uris: [],
            response_types: [],
            token_endpoint_auth_method: "none",
        },
        { client_id: "mail", client_secret: "mail", grant_types: [], redirect_uris: [], response_types: [] },
    ],
    scopes: ["openid", "offline_access", "mail"],
    features: {
        deviceFlow: { enabled: true },
        clientCredentials: { enabled: true },
        introspection: { enabled: true },
        revocation: { enabled: true },
    },
    pkce: { methods: ["S256"], required: () => true },
    rotateRefreshToken: options.rotates,
    issueRefreshToken: async (ctx, asking) => asking.grantTypeAllowed("refresh_token"),
    extraTokenClaims: async (ctx, token) =>
        token.kind === "ClientCredentials" ? { sub: options.mailbox } : undefined,
    // As long as Microsoft's.
    formats: { bitsOfOpaqueRandomness: (ctx, token) => (/Token$|^Client/.test(token.kind) ? 9000 : 256) },
    ttl: {
        AccessToken: options.accessToken,
        ClientCredentials: options.accessToken,
        RefreshToken: options.refreshToken,
        DeviceCode: options.deviceCode,
        Grant: options.refreshToken,
        Interaction: 600,
        Session: 600,
        IdToken: 600,
    },
    cookies: { keys: ["not a secret"] },
    discovery: { issuer },
});

// RFC 7523 section 2.1: an assertion that the service account has signed.
function addAssertions(provider) {
    const handler = async (ctx, next) => {
        let claims;
        try {
            const key = createPublicKey(options.key);
            const expected = { issuer: options.issuer, audience: `${provider.issuer}/token` };
            claims = (await jwtVerify(ctx.oidc.params.assertion ?? "", key, expected)).payload;
        } catch (error) {
            throw new errors.InvalidGrant(error.message);
        }
        const token = new provider.AccessToken({
            accountId: claims.sub,
            client: ctx.oidc.client,
            gty: "jwt",
            scope: claims.scope ?? ctx.oidc.params.scope,
        });
        ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: "Bearer" };
        await next();
    };
    provider.registerGrantType(JWT, handler, ["assertion", "scope"]);
}

async function read(ctx) {
    const pieces = [];
    for await (const piece of ctx.req) {
        pieces.push(piece);
    }
    return Buffer.concat(pieces).toString();
}

const answers = [];
const asked = [];

// POST /test/answer {path, status, body}: the next question there gets this answer.
// POST /test/forget {models: ["RefreshToken", ...]}: nothing of these is known any more.
// GET /test/asked: the forms that were sent to /token and /device/auth, without what is secret in them; with the
// address that a person then opens.
async function control(ctx, next) {
    if (ctx.path === "/test/answer") {
        answers.push(JSON.parse(await read(ctx)));
        ctx.body = {};
    } else if (ctx.path === "/test/forget") {
        const { models } = JSON.parse(await read(ctx));
        forget(key => models.includes(key.split(":")[0]));
        ctx.body = {};
    } else if (ctx.path === "/test/asked") {
        ctx.body = asked;
    } else {
        await next();
    }
}

async function prepare(ctx, next) {
    if (ctx.method === "POST" && ["/token", "/device/auth"].includes(ctx.path)) {
        const form = parse(await read(ctx));
        const { grant_type: grant, client_id: id, scope } = form;
        asked.push({ path: ctx.path, grant, id, scope });
        // The assertion says who it is; this library wants to know of a client.
        ctx.req.body = form.grant_type === JWT ? { client_id: "service", ...form } : form;
        const index = answers.findIndex(({ path }) => path === ctx.path);
        if (index >= 0) {
            const [{ status, body }] = answers.splice(index, 1);
            Object.assign(ctx, { status, body });
            return;
        }
    }
    await next();
    if (ctx.path === "/device/auth" && ctx.body?.device_code) {
        ctx.body.interval = options.interval;
        asked.push({ path: ctx.path, address: ctx.body.verification_uri_complete });
    }
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    const issuer = `http://127.0.0.1:${port}`;
    const provider = new Provider(issuer, configuration(issuer));
    addAssertions(provider);
    provider.use(control);
    provider.use(prepare);
    server.on("request", provider.callback());
    process.stdout.write(`${JSON.stringify({ port })}\n`);
});
