"""Label tables as Kaggle, Roboflow, Hugging Face and spreadsheets write them."""

import json
from pathlib import Path

import pytest
from PIL import Image

from s3n_core.datasets.detection import detection_sentence, open_data_set
from s3n_core.datasets.opening import open_images
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError
from s3n_core.prediction.tables import CSV_NAMES


def make(root: Path, *names: str, **texts: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(root / name, format="PNG")
    for name, text in texts.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    return root


def labelled(data_set: DataSet) -> dict[str, str | None]:
    return {r.name: None if r.label is None else data_set.classes[r.label] for r in data_set.records}


IMAGES = ("img/1.png", "img/2.png", "img/3.png", "img/4.png")


@pytest.mark.parametrize(
    "text",
    [
        "id,breed\n1,pug\n2,collie\n3,pug\n",
        "image;label\n1.png;pug\n2.png;collie\n3.png;pug\n",
        "sep=;\nimage;label\n1.png;pug\n2.png;collie\n3.png;pug\n",
        "SEP=^\r\nimage^label\r\n1.png^pug\r\n2.png^collie\r\n3.png^pug\r\n",
        "path\tclass\nimg/1.png\tpug\nimg/2.png\tcollie\nimg/3.png\tpug\n",
        "img\\1.png,pug\nimg\\2.png,collie\nimg\\3.png,pug\n",
        "filename,width,height,class,xmin,ymin,xmax,ymax\n1.png,3,2,pug,0,0,1,1\n2.png,3,2,collie,0,0,1,1\n3.png,3,2,pug,0,0,1,1\n",
        "file,label_id,label\n/data/old/img/1.png,0,pug\n/data/old/img/2.png,1,collie\n/data/old/img/3.png,0,pug\n",
        "label,image\npug,1.PNG\ncollie,2.PNG\npug,3.PNG\n",
    ],
)
def test_tables_of_images_and_classes(tmp_path: Path, text: str) -> None:
    data_set = open_data_set(make(tmp_path, *IMAGES, labels=text))
    assert data_set.format == "label-table"
    assert data_set.classes == ("collie", "pug")
    assert labelled(data_set) == {"img/1.png": "pug", "img/2.png": "collie", "img/3.png": "pug", "img/4.png": None}
    assert "Images that the table gives no class: 1." in detection_sentence(data_set)
    assert data_set.skipped == (), "the table was read"


@pytest.mark.parametrize(
    "text",
    [
        "id,file,label\n1,4.png,cat\n2,3.png,dog\n3,2.png,cat\n4,1.png,dog\n",
        "id,file,label\n1,4.png,cat\n2,3.png,dog\n3,gone.png,cat\n4,1.png,dog\n",
        "1,4.png,cat\n2,3.png,dog\n3,2.png,cat\n4,1.png,dog\n",
    ],
)
def test_file_names_come_before_row_numbers(tmp_path: Path, text: str) -> None:
    found = labelled(open_data_set(make(tmp_path, *IMAGES, labels=text)))
    second = None if "gone" in text else "cat"
    assert found == {"img/1.png": "dog", "img/2.png": second, "img/3.png": "dog", "img/4.png": "cat"}


def test_a_picture_that_others_are_compared_with_is_no_image_of_a_row(tmp_path: Path) -> None:
    text = "id,reference_image,label\n1,4.png,cat\n2,4.png,dog\n3,4.png,cat\n4,4.png,dog\n"
    found = labelled(open_data_set(make(tmp_path, *IMAGES, labels=text)))
    assert found == {"img/1.png": "cat", "img/2.png": "dog", "img/3.png": "cat", "img/4.png": "dog"}


def test_an_image_that_is_called_like_a_heading(tmp_path: Path) -> None:
    names = {"image.png": "cat", "label.png": "dog", "3.png": "cat"}
    rows = "".join(f"{name},{label}\n" for name, label in names.items())
    data_set = open_data_set(make(tmp_path, *names, labels=f"image,label\n{rows}"))
    assert (labelled(data_set), data_set.problems) == (names, ())
    (tmp_path / "labels.csv").write_text(rows)
    assert labelled(open_data_set(tmp_path)) == names, "without headings"


def test_columns_that_name_different_images_are_refused(tmp_path: Path) -> None:
    text = "id,image,label\n1,4,cat\n2,3,dog\n3,2,cat\n4,1,dog\n"
    with pytest.raises(DataSetError, match=r"could name the images \(id, image\), and they name different ones: leave"):
        open_data_set(make(tmp_path, *IMAGES, labels=text))
    (tmp_path / "labels.csv").write_text("id,image,label\n1,img/1,cat\n2,img/2,dog\n3,img/3,cat\n4,img/4,dog\n")
    assert labelled(open_data_set(tmp_path))["img/4.png"] == "dog", "both name the same images"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    make(tmp_path, *IMAGES)
    (tmp_path / "labels.csv").write_text("id,breed\n1,Köter\n2,Müller\n3,Köter\n4,Müller\n", encoding=encoding)
    assert open_data_set(tmp_path).classes == ("Köter", "Müller")


def test_what_has_no_image_is_counted(tmp_path: Path) -> None:
    data_set = open_data_set(make(tmp_path, *IMAGES, labels="id,breed\n1,a\n2,b\n3,\n4,a\n5,b\n6,b\n"))
    assert labelled(data_set)["img/3.png"] is None, "an empty label is no class"
    assert "Lines of the table that name no image here: 2." in data_set.remarks
    assert [problem.reason for problem in data_set.problems] == [
        "its line 6 names no image that is here",
        "its line 7 names no image that is here",
    ]


def test_an_image_of_another_machine_that_is_not_here(tmp_path: Path) -> None:
    """No other folder's image of the same name takes its place."""
    root = make(tmp_path, "ant/1.png", "ant/2.png", "bee/3.png", "bee/4.png")
    rows = ("bee/1.png,bee", "ant/2.png,ant", "bee/3.png,bee", "bee/4.png,bee")
    (root / "labels.csv").write_text("file,label\n" + "".join(f"/data/old/{row}\n" for row in rows))
    data_set = open_data_set(root, "label-table")
    assert labelled(data_set) == {"ant/1.png": None, "ant/2.png": "ant", "bee/3.png": "bee", "bee/4.png": "bee"}
    assert [problem.reason for problem in data_set.problems] == ["its line 2 names no image that is here"]


def test_splits_of_a_column_come_before_those_of_folders(tmp_path: Path) -> None:
    text = "id,label,split\n1,a,train\n2,b,Valid\n3,a,test\n4,b,train\n"
    data_set = open_data_set(make(tmp_path, *IMAGES, labels=text))
    assert [(r.name, r.split) for r in data_set.records] == [
        ("img/1.png", "train"),
        ("img/4.png", "train"),
        ("img/2.png", "val"),
        ("img/3.png", "test"),
    ]


def test_an_unknown_word_in_the_column_of_the_split(tmp_path: Path) -> None:
    """The test images stay test images; an image of another split than those three is not trained on."""
    text = "id,label,split\n1,a,trainval\n2,b,trainval\n3,a,test\n4,c,unused\n"
    data_set = open_data_set(make(tmp_path, *IMAGES, labels=text, more="id,label\n4,c\n"))
    assert {r.name: r.split for r in data_set.records if r.label is not None} == {
        "img/1.png": "train",
        "img/2.png": "train",
        "img/3.png": "test",
    }
    assert data_set.classes == ("a", "b")
    assert labelled(data_set)["img/4.png"] is None, "not even where another table gives it a class"
    reasons = [problem.reason for problem in data_set.problems]
    assert reasons == ["a line has 'unused' as the split, which is none: images of such lines are without a class"]


@pytest.mark.parametrize("word", ["inference", "pred", "unlabelled"])
def test_images_that_are_only_to_be_predicted_have_no_class(tmp_path: Path, word: str) -> None:
    """Whatever stands as their class: often a placeholder."""
    text = f"id,label,split\n1,a,train\n2,b,train\n3,a,test\n4,unknown,{word}\n"
    data_set = open_data_set(make(tmp_path, *IMAGES, labels=text))
    assert data_set.classes == ("a", "b")
    assert labelled(data_set)["img/4.png"] is None
    assert not data_set.problems, "that is a word for it"


def test_the_first_fold_is_the_validation_set(tmp_path: Path) -> None:
    data_set = open_data_set(make(tmp_path, *IMAGES, labels="id,label,fold\n1,a,0\n2,b,1\n3,a,2\n4,b,0\n"))
    assert {r.name for r in data_set.of_split("val")} == {"img/1.png", "img/4.png"}
    assert len(data_set.of_split("train")) == 2


def test_flags_of_a_split(tmp_path: Path) -> None:
    data_set = open_data_set(
        make(tmp_path, *IMAGES, labels="id,label,is_valid\n1,a,True\n2,b,False\n3,a,False\n4,b,True\n")
    )
    assert {r.name for r in data_set.of_split("val")} == {"img/1.png", "img/4.png"}
    assert len(data_set.of_split("train")) == 2


def test_tables_called_after_splits(tmp_path: Path) -> None:
    root = make(
        tmp_path, *IMAGES, train="id,label\n1,a\n2,b\n", test="id\n3\n4\n", sample_submission="id,label\n3,a\n4,a\n"
    )
    data_set = open_data_set(root)
    assert labelled(data_set) == {"img/1.png": "a", "img/2.png": "b", "img/3.png": None, "img/4.png": None}
    assert {r.name: r.split for r in data_set.records}["img/1.png"] == "train"
    assert any("a form for predictions" in problem.reason for problem in data_set.problems)


def test_what_a_second_table_adds(tmp_path: Path) -> None:
    """Split and group are taken from it although both give the class, and what it contradicts is named."""
    more = "id,label,split,patient\n1,a,train,p1\n2,b,test,p2\n3,a,test,p2\n4,b,train,p1\n"
    root = make(tmp_path, *IMAGES, labels="id,label\n1,a\n2,b\n3,a\n4,b\n", more=more)
    data_set = open_data_set(root)
    assert {r.name[4]: (r.split, r.group) for r in data_set.records} == {
        "1": ("train", "p1"),
        "2": ("test", "p2"),
        "3": ("test", "p2"),
        "4": ("train", "p1"),
    }
    assert data_set.problems == ()
    (root / "tables").mkdir()
    (root / "tables" / "zzz.csv").write_text("id,label,split,patient\n1,b,test,p1\n2,b,test,p9\n")
    assert {(problem.path, problem.reason.split(" in ")[0]) for problem in open_data_set(root).problems} == {
        (root / "img/1.png", "it has the class a"),
        (root / "img/1.png", "it has the split train"),
        (root / "img/2.png", "it has the group p2"),
    }


def test_an_image_in_tables_of_two_splits_is_named(tmp_path: Path) -> None:
    root = make(tmp_path, *IMAGES, train="id,label\n1,a\n2,b\n", test="id,label\n2,b\n3,a\n4,b\n")
    reasons = {problem.path.name: problem.reason for problem in open_data_set(root).problems}
    assert list(reasons) == ["2.png"]
    assert reasons["2.png"].startswith(f"it has the split test in {root / 'test.csv'}:2, which was used, and train in")


def test_a_column_for_each_class(tmp_path: Path) -> None:
    names = ("train/1.png", "train/2.png", "valid/1.png", "valid/2.png")
    root = make(tmp_path, *names)
    for folder in ("train", "valid"):
        (root / folder / "_classes.csv").write_text("filename, ant, bee\n1.png, 1, 0\n2.png, 0, 1\n")
    data_set = open_data_set(root)
    assert data_set.classes == ("ant", "bee")
    assert [(r.name, data_set.classes[r.label or 0], r.split) for r in data_set.records] == [
        ("train/1.png", "ant", "train"),
        ("train/2.png", "bee", "train"),
        ("valid/1.png", "ant", "val"),
        ("valid/2.png", "bee", "val"),
    ]


@pytest.mark.parametrize("occluded", ["0010", "0100"])
def test_a_class_of_zeros_and_ones_beside_another_such_column(tmp_path: Path, occluded: str) -> None:
    rows = (f"{number},{number % 2},{flag}\n" for number, flag in enumerate(occluded, start=1))
    data_set = open_data_set(make(tmp_path, *IMAGES, labels="image,label,occluded\n" + "".join(rows)))
    assert labelled(data_set) == {"img/1.png": "1", "img/2.png": "0", "img/3.png": "1", "img/4.png": "0"}


def test_metadata_lines(tmp_path: Path) -> None:
    root = make(tmp_path, "train/1.png", "train/2.png", "test/1.png")
    rows = [{"file_name": "1.png", "label": "ant"}, {"file_name": "2.png", "label": "bee"}]
    (root / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (root / "test" / "metadata.jsonl").write_text(json.dumps(rows[0]))
    data_set = open_data_set(root)
    assert [(r.name, r.label, r.split) for r in data_set.records] == [
        ("train/1.png", 0, "train"),
        ("train/2.png", 1, "train"),
        ("test/1.png", 0, "test"),
    ]


def test_numbered_classes_take_their_names_from_a_json_object(tmp_path: Path) -> None:
    root = make(tmp_path, *IMAGES, train="image_id,label\n1,0\n2,1\n3,10\n4,0\n")
    assert open_data_set(root).classes == ("0", "1", "10")
    (root / "label_map.json").write_text('{"0": "rust", "1": "scab", "10": "healthy"}')
    assert open_data_set(root).classes == ("rust", "scab", "healthy")


def test_groups(tmp_path: Path) -> None:
    data_set = open_data_set(make(tmp_path, *IMAGES, labels="id,label,patient_id\n1,a,p1\n2,b,p1\n3,a,p2\n4,b,p2\n"))
    assert [record.group for record in data_set.records] == ["p1", "p1", "p2", "p2"]


def test_a_group_in_test_and_in_an_empty_split_is_pointed_out(tmp_path: Path) -> None:
    text = "id,label,split,patient\n1,a,train,p1\n2,b,,p2\n3,a,test,p2\n4,b,test,p3\n"
    data_set = open_data_set(make(tmp_path, *IMAGES, labels=text))
    assert ["(such as p2)" in problem.reason for problem in data_set.problems] == [True]


def test_predictions_saved_among_the_images_are_no_labels(tmp_path: Path) -> None:
    cells = {"file": "img/1.png", "class": "ant", "label": "bee"}
    row = ",".join(cells.get(name, "1") for name in CSV_NAMES)
    root = make(tmp_path, *IMAGES, predictions=f"{','.join(CSV_NAMES)}\n{row}\n{row.replace('1.png', '2.png')}\n")
    assert open_data_set(root, "images").classes == ()
    data_set = open_images(root)
    assert data_set.classes == ()
    with pytest.raises(DataSetError, match="gives classes to its images"):
        open_data_set(root, "label-table")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,tags\n1,cat dog\n2,cat\n3,dog\n4,cat\n", "several classes"),
        ("id,tags\n1,cat/dog\n2,cat\n3,dog\n4,cat\n", "several classes"),
        ("id,tags\n1,cat|dog\n2,dog|bird\n3,cat|bird\n4,cat\n", "several classes"),
        ("id,ant,bee\n1,1,1\n2,1,0\n3,0,1\n4,0,1\n", r"several classes \(ant, bee\)"),
        ("id,label\n1,a\n1,b\n2,a\n2,b\n3,a\n3,b\n", r"several classes \(a, b\)"),
        ("id,weight\n1,0.31\n2,0.55\n3,1.25\n4,7.5\n", "measured numbers"),
        (
            "id,soil,light\n1,clay,low\n2,sand,low\n3,clay,high\n4,sand,high\n",
            "several columns that could be the classes",
        ),
    ],
)
def test_tables_that_give_no_single_class_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataSetError, match=message):
        open_data_set(make(tmp_path, *IMAGES, labels=text))


def test_names_with_separators_are_not_several_classes(tmp_path: Path) -> None:
    data_set = open_data_set(make(tmp_path, *IMAGES, labels='id,label\n1,"red, small"\n2,a|b\n3,x;y\n4,green apple\n'))
    assert data_set.classes == ("a|b", "green apple", "red, small", "x;y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "id,label\n1,Grebe, Horned\n2,Grebe, Eared\n3,Tern\n4,Tern\n",
            r"labels\.csv:2: this line has 3 fields, but the first line has 2: put a text that contains ',' between quotation",
        ),
        ("id\tlabel\n1\tant\n\n2\tbee\tcow\n", r"labels\.csv:4: .* contains a tab between quotation marks\."),
        ('id,label\n1,ant\n2,"bee\n3,ant\n4,bee\n', r"labels\.csv:3: .*: close every quotation mark"),
        ('id,label\n1,"ant\n2,bee\n3,"bee"\n4,ant\n', r"labels\.csv:2: .*: close every quotation mark"),
    ],
)
def test_a_line_that_is_none_of_a_table_is_named(tmp_path: Path, text: str, message: str) -> None:
    """Nothing of it is cut off: two species would become one, or the rest of the table one name."""
    root = make(tmp_path, *IMAGES, labels=text)
    with pytest.raises(DataSetError, match=message):
        open_data_set(root)
    (root / "labels.csv").write_text("id,label\n1,ant\n2,bee\n3,ant,,\n4,bee\n")
    assert open_data_set(root).classes == ("ant", "bee"), "empty fields are none"


def test_a_broken_table_about_something_else_is_passed_over(tmp_path: Path) -> None:
    data_set = open_data_set(make(tmp_path, "1.png", "2.png", notes="when,what\nnow,one,two\n"))
    assert data_set.format == "images"
    assert ["notes.csv:2: this line has 3 fields" in problem.reason for problem in data_set.problems] == [True]


def test_texts_in_quotation_marks_after_a_blank(tmp_path: Path) -> None:
    text = 'id, label\n1, "Grebe, Horned"\n2, "Grebe, Eared"\n3, Tern\n4, "Tern"\n'
    assert open_data_set(make(tmp_path, *IMAGES, labels=text)).classes == ("Grebe, Eared", "Grebe, Horned", "Tern")


@pytest.mark.parametrize("separator", [" ", "/", " / "])
def test_names_that_share_words_are_not_several_classes(tmp_path: Path, separator: str) -> None:
    names = [f"{colour}{separator}{animal}" for animal in ("cat", "dog") for colour in ("black", "white")]
    text = "id,label\n" + "".join(f"{number},{name}\n" for number, name in enumerate(names, start=1))
    assert open_data_set(make(tmp_path, *IMAGES, labels=text)).classes == tuple(sorted(names))


def test_class_folders_come_before_a_table_about_something_else(tmp_path: Path) -> None:
    root = make(
        tmp_path, "ant/1.png", "ant/2.png", "bee/3.png", "bee/4.png", notes="id,weather\n1,rain\n2,sun\n3,rain\n4,sun\n"
    )
    data_set = open_data_set(root)
    assert (data_set.format, data_set.classes) == ("class-folders", ("ant", "bee"))
    assert ["the folders give the classes" in problem.reason for problem in data_set.problems] == [True]


def test_a_table_with_splits_adds_them_to_class_folders(tmp_path: Path) -> None:
    text = "file,label,split\nant/1.png,ant,train\nant/2.png,ant,test\nbee/1.png,bee,train\nbee/2.png,bee,test\n"
    data_set = open_data_set(make(tmp_path, "ant/1.png", "ant/2.png", "bee/1.png", "bee/2.png", table=text))
    assert data_set.counts() == {"train": (1, 1), "test": (1, 1)}
