package views

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestFormattedText(t *testing.T) {
	called := func(token string) bool { return token == "bob" || token == "all" || token == "bob.brown" }
	for in, want := range map[string]string{
		"plain <b>text</b> & more":                "plain &lt;b&gt;text&lt;/b&gt; &amp; more",
		"two\nlines":                              "two\nlines",
		"*bold* _italic_ ~struck~":                "<strong>bold</strong> <em>italic</em> <s>struck</s>",
		"2*3*4 and snake_case_name and a * b * c": "2*3*4 and snake_case_name and a * b * c",
		"*bold _and italic_*":                     "<strong>bold <em>and italic</em></strong>",
		"`a < b *c*`":                             "<code>a &lt; b *c*</code>",
		"```\nx := 1\n<b>\n```":                   `<pre tabindex="0"><code>x := 1` + "\n&lt;b&gt;</code></pre>",
		"```go\nx\n```after":                      "```go\nx\n```after",
		"``` not closed":                          "``` not closed",
		"```one line```":                          `<pre tabindex="0"><code>one line</code></pre>`,
		"> said\n> twice\nanswer":                 "<blockquote>said\ntwice</blockquote>answer",
		"- one\n- *two*\nend":                     "<ul><li>one</li><li><strong>two</strong></li></ul>end",
		"3. three\n4. four":                       `<ol start="3"><li>three</li><li>four</li></ol>`,
		"hello @bob, and @Bob.Brown. @nobody":     `hello <b class="call">@bob</b>, and <b class="call">@Bob.Brown</b>. @nobody`,
		"bob@bob.test":                            "bob@bob.test",
		"see https://a.test/x_y_z.":               `see <a href="https://a.test/x_y_z" target="_blank" rel="noopener noreferrer nofollow">https://a.test/x_y_z</a>.`,
		"mailto:a@b.test":                         `<a href="mailto:a@b.test" rel="noopener noreferrer nofollow">mailto:a@b.test</a>`,
		"sip:a@b.test":                            `<a href="sip:a@b.test" rel="noopener noreferrer nofollow">sip:a@b.test</a>`,
		"javascript:alert(1) data:text/html,x":    "javascript:alert(1) data:text/html,x",
		"mailto:a@b.test?body=x":                  "mailto:a@b.test?body=x",
	} {
		if got := formatted(in, called); got != want {
			t.Errorf("%q\n is %q,\nnot %q", in, got, want)
		}
	}
}

func TestSizesOfPictures(t *testing.T) {
	r := NewReader("en", "UTC", en0)
	for n, want := range map[int64]string{5: "5 bytes", 1400: "1.4 kB", 2_000_000: "2 MB", 25_300_000: "25 MB"} {
		if got := r.Size(n); got != want {
			t.Errorf("%d bytes are %q, not %q", n, got, want)
		}
	}
}

// allowedTags is all that formatted may write.
var allowedTags = regexp.MustCompile(`^(strong|em|s|code|pre|blockquote|ul|ol|li|a|b)$`)

// FuzzFormatted: nothing of the input becomes an element; links lead only where they may; nothing is lost.
func FuzzFormatted(f *testing.F) {
	for _, seed := range []string{
		"*a* _b_ ~c~ `d`", "```\n<script>\n```", "> q\n- l\n1. n", "<img src=x onerror=y>", "https://a.test/\"><b>", "@bob @all", "sip:a@b mailto:x@y",
		"*_~*_~`", "```x```", "\x00\xff<", "www.a.test 'onx='", "&lt;b&gt;", strings.Repeat("*a ", 200),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8000 {
			return
		}
		out := formatted(text, func(token string) bool { return token == "bob" })
		z := html.NewTokenizer(strings.NewReader(out))
		for {
			switch z.Next() {
			case html.ErrorToken:
				return
			case html.CommentToken, html.DoctypeToken, html.SelfClosingTagToken:
				t.Fatalf("%q became %q", text, out)
			case html.StartTagToken, html.EndTagToken:
				tag := z.Token()
				if !allowedTags.MatchString(tag.Data) {
					t.Fatalf("%q became %q with <%s>", text, out, tag.Data)
				}
				for _, a := range tag.Attr {
					switch {
					case a.Key == "href" && regexp.MustCompile(`^(https?://|mailto:|sip:)`).MatchString(a.Val):
					case a.Key == "target" || a.Key == "rel" || a.Key == "start" || a.Key == "tabindex" || a.Key == "class" && a.Val == "call":
					default:
						t.Fatalf("%q became %q with %s=%q", text, out, a.Key, a.Val)
					}
				}
			}
		}
	})
}
