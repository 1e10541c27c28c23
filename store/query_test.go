package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
)

func TestFold(t *testing.T) {
	long := strings.Repeat("é", 95) // 190 bytes
	for _, tc := range []struct{ name, in, want string }{
		{"lowers every alphabet", "ÉTÉ Straße ΑΒΓ", "été straße αβγ"},
		{"keeps spaces and signs", " 100%_\\ ", " 100%_\\ "},
		{"keeps what fits", long, long},
		{"cuts at 191 bytes", strings.Repeat("x", 300), strings.Repeat("x", 191)},
		{"never cuts a letter in two", long + "é", long},
		{"replaces NUL, which not every engine can hold", "a\x00b", "a\ufffdb"},
		{"replaces bytes that are no text", "a\xffb", "a\ufffdb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := store.Fold(tc.in)
			require.Equal(t, tc.want, got)
			require.Equal(t, got, store.Fold(got), "folding twice changes nothing")
		})
	}
}

func TestExact(t *testing.T) {
	require.Equal(t, "Shop ", store.Exact("Shop "), "short values are kept as they are")
	fits := strings.Repeat("x", 191)
	require.Equal(t, fits, store.Exact(fits))
	seen := map[string]string{}
	for _, v := range []string{fits + "y", fits + "z", "a\x00b", "a\x00c", "a\ufffdb", "a\xffb", "a\xfeb"} {
		got := store.Exact(v)
		require.LessOrEqual(t, len(got), 191)
		require.True(t, utf8.ValidString(got) && !strings.Contains(got, "\x00"), "%q is not for every engine", got)
		require.NotContains(t, seen, got, "%q and %q become one", v, seen[got])
		seen[got] = v
		require.Equal(t, got, store.Exact(got))
	}
}

func TestCursorsComeBack(t *testing.T) {
	for _, want := range []store.Cursor{
		{ID: "x"}, {Text: "é 🎉", ID: "x"}, {Int: -1 << 63, ID: "x"}, {Int: 1<<63 - 1, ID: "x"}, {Offset: 1}, {Offset: 1 << 31},
	} {
		got, ok := store.ParseCursor(want.Encode())
		require.True(t, ok, "%+v", want)
		require.Equal(t, want, got)
	}
	got, ok := store.ParseCursor(core.OffsetCursor(50))
	require.True(t, ok)
	require.Equal(t, store.Cursor{Offset: 50}, got)
	require.Empty(t, core.OffsetCursor(0))
	require.Empty(t, core.OffsetCursor(-1))
}

func TestParseCursorRefusesWhatEncodeDidNotMake(t *testing.T) {
	for _, tc := range []struct{ name, cursor string }{
		{"other characters", "!"}, {"no JSON", "eA"}, {"an empty object", store.Cursor{}.Encode()},
		{"a negative offset", store.Cursor{Offset: -1}.Encode()}, {"an offset beyond every table", store.Cursor{Offset: 1<<31 + 1}.Encode()},
		{"NUL in the text", store.Cursor{Text: "a\x00", ID: "x"}.Encode()}, {"NUL in the id", store.Cursor{ID: "a\x00"}.Encode()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, ok := store.ParseCursor(tc.cursor)
			require.False(t, ok)
		})
	}
	_, ok := store.ParseCursor("")
	require.True(t, ok, "nothing is the beginning")
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add("!")
	f.Add(core.OffsetCursor(10))
	f.Add(store.Cursor{Text: "été", ID: "65e0f1a2b3c4d5e600000001"}.Encode())
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := store.ParseCursor(s)
		if !ok || s == "" {
			return
		}
		if c.Offset < 0 || !utf8.ValidString(c.Text) || strings.Contains(c.Text+c.ID, "\x00") {
			t.Fatalf("took %+v", c)
		}
		again, ok := store.ParseCursor(c.Encode())
		if !ok || again != c {
			t.Fatalf("%+v became %+v", c, again)
		}
	})
}
