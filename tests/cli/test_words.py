"""Words from outside are shown as words, wherever they stand."""

from __future__ import annotations

import json
import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistcli.cli.words import json_safe, markdown, visible, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("seven.png", "seven.png"),
        ("日本 ñ 👍 C:\\x", "日本 ñ 👍 C:\\x"),
        ("9.41\u202fAM\xa0\u3000", "9.41\u202fAM\xa0\u3000"),
        ("a\x1b[31mb\x07\r\n\tc\x7f", r"a\x1b[31mb\x07\r\n\tc\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202e\u2066\u200f\u061c\ufeff\u2028", r"\u202e\u2066\u200f\u061c\ufeff\u2028"),
        ("\U000e0041", r"\U000e0041"),
        (os.fsdecode(b"bad\xff\xfe.png"), r"bad\xff\xfe.png"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_cannot_be_printed_is_written_out(text, shown):
    assert visible(text) == shown
    assert json.loads(json_safe(json.dumps(text, ensure_ascii=False))) in (text, shown)


@given(st.text(st.characters(codec=None)))
def test_no_text_hides_or_moves_anything(text):
    shown = visible(text)
    assert visible(shown) == shown
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)
    assert visible_lines(text).count("\n") == text.count("\n")
    document = json_safe(json.dumps([text, "\n"], ensure_ascii=False, indent=1))
    assert document.encode("utf-8").decode("utf-8") == document
    assert all(c.isprintable() or c == "\n" or unicodedata.category(c) == "Zs" for c in document)
    expected = "".join(visible(c) if unicodedata.category(c) == "Cs" else c for c in text)
    assert json.loads(document) == [expected, "\n"]


def test_markdown_is_text():
    assert markdown("a|b <i>\n`c` [d](e) _f_") == r"a\|b \<i\> \`c\` \[d\](e) \_f\_"
    assert markdown("http://x www.y &lt; ~~z~~") == r"http\://x www\.y \&lt; \~\~z\~\~"
    assert markdown("~/x86_64/seven.png, 0v1@2") == "~/x86_64/seven.png, 0v1@2"
