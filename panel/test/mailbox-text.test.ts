// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import { bodyOf, textOf } from "../src/mailbox/text";

test.each([
    ["<p>One  two</p><p>three</p>", "One two\n\nthree"],
    ["one<br>two<div>three</div>four", "one\ntwo\nthree\nfour"],
    ["<ul><li>one</li><li>two</li></ul>", "• one\n• two"],
    ["<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"],
    ["a<b>b</b> <i>c</i>\n d", "ab c d"],
    ["<pre>  a\n    b</pre>", "  a\n    b"],
    ["x &lt;b&gt; &amp; &#x1F600; y", "x <b> & 😀 y"],
    ['<img src="http://track.example/1.gif" alt="Logo"> text', "[Logo] text"],
    ["no markup at all", "no markup at all"],
    ["", ""],
])("text of %j", (html, text) => {
    expect(textOf(html)).toBe(text);
});

test("what is not for reading is left out", () => {
    const html = `<html><head><title>t</title><style>b{}</style></head><body>seen
        <script>top.hacked = "<p>x"</script><template>x</template><noscript>x</noscript><svg><text>x</text></svg>
        <div style="color:red; DISPLAY : none"><div>x</div>x</div><span hidden>x</span><!-- <p>x --></body></html>`;
    expect(textOf(html)).toBe("seen");
});

test.each([
    ['<div style="display:none">what has no end hides nothing', "what has no end hides nothing"],
    ["<style>what has no end is no text", ""],
    ["a <!-- what has no end is no text", "a"],
    ['a <img alt="x', "a"],
    ["1 < 2, 3 <4> and <=", "1 < 2, 3 <4> and <="],
    ['<a href="x>y">z</a>', "z"],
    ['<p title=">">a</p>', "a"],
    ["<p title=a\">b</p>", "b"],
    ["&nosuchname; &#0; &#x110000; &#99999999; & &amp", "&nosuchname; &#0; &#x110000; &#99999999; & &amp"],
    ["&Auml;&nbsp;&hearts;&#8364;", "Ä\u00a0♥€"],
    ["<?xml version='1.0'?><!DOCTYPE html>a</>b", "ab"],
    ["<SCRIPT>x</scripty>y</SCRIPT >z", "z"],
])("odd: %j", (html, text) => {
    expect(textOf(html)).toBe(text);
});

test.each(["<a ", "<", '<a b="', "<!--", "<div hidden>", "&", "</", "<a href='x", "<style>", "<svg>", "<p><b><td>"])(
    "%j time and again takes no longer",
    (part) => {
        expect(textOf(part.repeat(300_000)).length).toBeLessThan(3_000_000);
    },
);

test("where a link leads is told, if its text does not", () => {
    const link = (href: string, text: string) => textOf(`<a href="${href}">${text}</a>`);
    expect(link("https://evil.example/login?x", "Your bank")).toBe("Your bank [evil.example]");
    expect(link("https://bank.example@evil.example:8443/", "bank.example")).toBe("bank.example [evil.example]");
    expect(link("https://a.example/x", "See A.EXAMPLE")).toBe("See A.EXAMPLE");
    expect(link("javascript:alert(1)", "Press")).toBe("Press");
    // As browsers read them.
    expect(link("https://evil.example\\@bank.example/", "bank.example")).toBe("bank.example [evil.example]");
    expect(link(" ht\ntps:\\\\evil.example", "bank.example")).toBe("bank.example [evil.example]");
    expect(link("https:evil.example:8443", "bank.example")).toBe("bank.example [evil.example]");
    // A part of another name is not its name.
    expect(link("https://ank.example/", "https://bank.example/login.")).toBe("https://bank.example/login. [ank.example]");
    expect(link("https://bank.example/", "(bank.example.)")).toBe("(bank.example.)");
});

test("nothing of it becomes a document", () => {
    const before = document.documentElement.outerHTML;
    const parsed = vi.spyOn(DOMParser.prototype, "parseFromString");
    const html = '<img src=x onerror="top.hacked=1"><body onload="top.hacked=1"><iframe src="//x.example"></iframe>text &euro;';
    expect(textOf(html)).toBe("text €");
    expect(document.documentElement.outerHTML).toBe(before);
    expect(parsed.mock.calls).toEqual([["&euro;", "text/html"]]);
    expect(window).not.toHaveProperty("hacked");
});

test.each([
    ["links", '<a href="https://evil.example/">x</a>'.repeat(50_000), "x [evil.example]x [evil.example]"],
    ["dots", `<a href="https://evil.example/">${".".repeat(1_000_000)}x</a>`, "..."],
    ["slashes", `<a href="https:${"/\\".repeat(500_000)}@">x</a>`, "x"],
    ["names", Array.from({ length: 100_000 }, (_, at) => `&x${at};`).join(""), "&x0;&x1;"],
])("many %s are read in bounds", (_name, html, begin) => {
    const parsed = vi.spyOn(DOMParser.prototype, "parseFromString");
    parsed.mockClear();
    expect(textOf(html).startsWith(begin)).toBe(true);
    expect(parsed.mock.calls.length).toBeLessThanOrEqual(1);
});

test("names that are no names of characters stay, also among others", () => {
    expect(textOf("&Tab;&x1;&notx;&amp;&lt;b&gt;&NewLine;|")).toBe("&x1;¬x;&<b> |");
    expect(textOf("&x1;&amp;")).toBe("&x1;&");
});

test("plain text is preferred, and HTML taken where there is none", () => {
    expect(bodyOf({ body: { plain: ["a\r\nb \r\n", "", "c"], html: ["<p>x"] } })).toEqual({ text: "a\nb\n\nc", isOfHtml: false });
    expect(bodyOf({ body: { plain: [" \r\n"], html: ["<p>x", "<b>y"] } })).toEqual({ text: "x\n\ny", isOfHtml: true });
    expect(bodyOf({ body: { plain: [], html: [] } })).toEqual({ text: "", isOfHtml: false });
});
