from s3n_core.system.processor import parse_cpuinfo, this_processor


def test_a_processor_has_a_name_and_sorted_flags() -> None:
    text = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: sse avx2\n\nprocessor\t: 1\nmodel name: B"
    found = parse_cpuinfo(text)
    assert (found.name, found.flags) == ("AMD EPYC", "avx2 sse")
    assert parse_cpuinfo("CPU implementer: 0x41\nFeatures: fp\nCPU part: 0xd0c").name == "0x41 0xd0c"


def test_units_for_bfloat16_are_known_where_the_system_lists_the_flags() -> None:
    assert parse_cpuinfo("model name: A\nflags: avx2 sse").bfloat16 is False
    assert parse_cpuinfo("model name: A\nflags: avx512_bf16").bfloat16 is True
    assert parse_cpuinfo("CPU part: 0xd0c\nFeatures: fp bf16").bfloat16 is True
    assert parse_cpuinfo("model name: A").bfloat16 is None


def test_this_machine_has_a_processor() -> None:
    assert this_processor().name
