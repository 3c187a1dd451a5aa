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
        <script>top.hacked = 1</script><template>x</template><noscript>x</noscript><svg><text>x</text></svg>
        <div style="color:red; DISPLAY : none">x</div><p hidden>x</p><!-- x --></body></html>`;
    expect(textOf(html)).toBe("seen");
});

test("where a link leads is told, if its text does not", () => {
    const link = (href: string, text: string) => textOf(`<a href="${href}">${text}</a>`);
    expect(link("https://evil.example/login?x", "Your bank")).toBe("Your bank [evil.example]");
    expect(link("https://bank.example@evil.example:8443/", "bank.example")).toBe("bank.example [evil.example]");
    expect(link("https://a.example/x", "See A.EXAMPLE")).toBe("See A.EXAMPLE");
    expect(link("javascript:alert(1)", "Press")).toBe("Press");
});

test("nothing of it is run, loaded or put into the page", () => {
    const before = document.documentElement.outerHTML;
    const image = vi.spyOn(window, "Image");
    const html = '<img src=x onerror="top.hacked=1"><body onload="top.hacked=1"><iframe src="//x.example"></iframe>text';
    expect(textOf(html)).toBe("text");
    expect(document.documentElement.outerHTML).toBe(before);
    expect(image).not.toHaveBeenCalled();
    expect(window).not.toHaveProperty("hacked");
});

test("plain text is preferred, and HTML taken where there is none", () => {
    expect(bodyOf({ body: { plain: ["a\r\nb \r\n", "", "c"], html: ["<p>x"] } })).toEqual({ text: "a\nb\n\nc", isOfHtml: false });
    expect(bodyOf({ body: { plain: [" \r\n"], html: ["<p>x", "<b>y"] } })).toEqual({ text: "x\n\ny", isOfHtml: true });
    expect(bodyOf({ body: { plain: [], html: [] } })).toEqual({ text: "", isOfHtml: false });
});
