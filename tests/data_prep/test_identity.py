"""Two spellings of one name are one person, and two people stay two."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.identity import (
    SubjectSpelling,
    clean_name,
    dataset_key,
    group_key,
    refuse_spellings,
    subject_key,
    unify_spellings,
)

SPELLINGS = [
    ("sub01", "Sub01", "SUB01", " sub01", "sub01 ", "sub01\t", "sub1", "sub001", "sub 01", "sub_01", "sub-1",
     "sub1.0", "ｓｕｂ０１", "sub\u00a001", "\ufeffsub01", "sub\u200b01", "sub\u201001",
     "sub01\u3164", "sub\ufe0f01", "sub\u034f01", "\u2800sub01", "sub01\x00", "'sub01", '"sub01"'),
    ("KM-05", "\u041a\u041c-05", "\u039a\u039c5"),  # Latin, Cyrillic and Greek capitals
    ("1", "01", "001", "1.0", "1.00", "1,0", "1.", " 1", "１", "٠١", "01.0"),
    ("Zoë", "Zoe\u0308", "zoë", "ZOË "),
    ("spNO.1", "spNo.1", "spno.01", "spNO1"),
    ("Straße", "STRASSE"),
    ("S13-07", "s13_7", "S 13 07"),
]  # fmt: skip
PEOPLE = ["1", "10", "11", "1_1", "1.5", "sub1", "s1", "1a", "Zoe", "Zoë", "कि", "का", "A", "B", "a_b", "ab"]


@pytest.mark.parametrize("spellings", SPELLINGS, ids=lambda names: names[0])
def test_spellings_of_one_person(spellings):
    assert len({subject_key(name) for name in spellings}) == 1


def test_different_people_stay_different():
    assert len({subject_key(name) for name in PEOPLE}) == len(PEOPLE)


def test_datasets_as_papers_print_them():
    assert {dataset_key(name) for name in ("casme2", "CASME2", "CASME II", "casme-ii ", "CASME 2")} == {
        "casme2"
    }
    assert dataset_key("casme3") != dataset_key("casme2") != dataset_key("casme")
    assert group_key("CASME II/Sub01") == group_key("casme2/sub1") != group_key("samm/sub1")
    assert group_key("Sub01") == group_key("sub1")


@given(
    st.text(), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.text(" \t\u00a0\u200b\ufeff", max_size=2)
)
def test_unicode_form_case_and_blanks_never_make_another_person(name, form, blanks):
    key = subject_key(name)
    assert subject_key(key) == key
    assert subject_key(unicodedata.normalize(form, name)) == key
    assert subject_key(blanks + name + blanks) == key
    assert subject_key(clean_name(name)) == key


@given(st.from_regex(r"[a-z]{0,3}", fullmatch=True), st.integers(0, 10**6), st.integers(0, 4))
def test_padding_never_makes_another_person_and_numbers_do(word, number, zeros):
    assert subject_key(f"{word}{'0' * zeros}{number}") == subject_key(f"{word}{number}")
    assert subject_key(f"{word}{number}") != subject_key(f"{word}{number + 1}")


def test_the_most_frequent_spelling_stands_for_all():
    names, merged = unify_spellings(["Sub01", "sub01", "sub02", "sub01 ", 3.0])
    assert names == ["sub01", "sub01", "sub02", "sub01", "3"] and merged == {"sub01": ["Sub01"]}


def test_a_splitter_refuses_two_spellings():
    refuse_spellings(["a/1", "a/2", "b/1", "a/1"])
    with pytest.raises(SubjectSpelling) as caught:
        refuse_spellings(["a/sub01", "a/sub02", "A/Sub01"])
    assert caught.value.code == "subject-spelling" and "'a/sub01' = 'A/Sub01'" in str(caught.value)


TYPED = [("S01", "SO1"), ("s10", "s1o"), ("sub-11", "sub-l1"), ("2001", "2OO1")]
ACCENTS = [("Jürg", "Jurg"), ("Zoë", "ZOE"), ("Семён", "Семен"), ("İpek", "ipek")]
MARKS = [("S01", "(S01)"), ("1", "#1"), ("S01", "S01*"), ("P·01", "P01"), ("1", "«01»"),
         ("O'Brien", "OBrien"), ("O’Brien", "O Brien"), ("Anna K", "AnnaK"), ("a_b", "ab")]  # fmt: skip


@pytest.mark.parametrize("names", TYPED + ACCENTS + MARKS)
def test_letters_typed_for_others_are_refused_and_never_merged(names):
    assert unify_spellings(names)[1] == {}
    with pytest.raises(SubjectSpelling) as caught:
        refuse_spellings([f"a/{name}" for name in names])
    assert all(name in str(caught.value) for name in names)


def test_letters_away_from_digits_are_letters():
    refuse_spellings(["a/Leo", "a/Lex", "a/so", "a/s1", "a/sol", "a/bob2", "a/b2"])
    refuse_spellings(["a/1_1", "a/11", "a/Anna K", "a/Anna L", "a/Ann AK2"])


def test_vowel_signs_are_no_accents():
    refuse_spellings(["a/कु", "a/कू", "a/한", "a/하"])
