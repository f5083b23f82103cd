package ews

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlainTextOfHTML(t *testing.T) {
	for _, c := range []struct{ name, html, want string }{
		{"paragraphs", "<html><body><p>One</p><p>Two</p></body></html>", "One\n\nTwo"},
		{"lines", "One<br>Two<br/>Three", "One\nTwo\nThree"},
		{"divs", "<div>One</div><div>Two</div>", "One\nTwo"},
		{"white space", "  a \r\n  b\t c  ", "a b c"},
		{"words across tags", "<b>wo</b>rd <i>next</i>", "word next"},
		{"entities", "Fish &amp; chips &lt;now&gt; caf&eacute;", "Fish & chips <now> café"},
		{"no-break space", "a&nbsp;b", "a b"},
		{"list", "<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"},
		{"table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
		{"link", `see <a href="https://example.test/x?a=1&amp;b=2">here</a>.`, "see here <https://example.test/x?a=1&b=2>."},
		{"link that shows itself", `<a href="https://example.test/">https://example.test</a>`, "https://example.test"},
		{"link with a script", `<a href="javascript:alert(1)">click</a>`, "click"},
		{"hidden", "<head><title>T</title><style>p{}</style></head><body>x<script>y()</script><!-- z --></body>", "x"},
		{"head left open", "<head><style>p{}</style><body>x", "x"},
		{"pre", "<pre>a\n  b</pre>", "a\n  b"},
		{"many breaks", "a<br><br><br><br>b", "a\n\nb"},
		{"empty", "", ""},
		{"no HTML at all", "a < b and c", "a < b and c"},
	} {
		if got := plainText(c.html); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTextThroughHTMLAndBack(t *testing.T) {
	for _, text := range []string{"", "one", "one\ntwo", "a & b < c > d \"e\"", "one\n\ntwo", "Grüße\n- x"} {
		if got := plainText(htmlText(text)); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
}

func TestTextsAreBoundedAndSayable(t *testing.T) {
	long := strings.Repeat("<p>äöü</p>", 300_000)
	if got := plainText(long); len(got) > maxText || !utf8.ValidString(got) {
		t.Errorf("%d bytes of text", len(got))
	}
	if got := tidyText("a\x00b\x0bc\ufffe\r\nd \r\n"); got != "abc\nd" {
		t.Errorf("tidied: %q", got)
	}
	if got := cut("aä", 2); got != "a" {
		t.Errorf("cut: %q", got)
	}
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"<p>a</p>", "<a href=x>y", "<pre>\n</pre>", "&#0;&#xffff;", "<![CDATA[x]]>", "<ul><li>", "\x00<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := plainText(s)
		if len(got) > maxText {
			t.Fatalf("%d bytes", len(got))
		}
		if strings.Contains(got, "\n\n\n") && !strings.Contains(s, "\n\n\n") {
			t.Fatalf("more than one empty line in a row: %q", got)
		}
	})
}
