"""A name in an index that no file can have is one message."""

import pytest

from mer.evaluation.flow_maps import BadIndex, read_maps


def test_a_name_that_is_too_long_is_refused(tmp_path):
    index = tmp_path / "index.csv"
    index.write_text(f"file,dataset,subject,clip,label\n{'9' * 5000}.npy,d,1,1,a\n")
    with pytest.raises(BadIndex):
        read_maps(tmp_path, index)
