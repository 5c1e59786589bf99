"""Guards of the functions of source expressions: what they do not take is a reject, and nothing else."""

from __future__ import annotations

from mutants.guard import Guard

_STRICT, _PACKED = "core/mapping/strict.py", "core/mapping/functions/packed.py"
_FUNCTIONS = "core/mapping/test_functions.py::"
_LINES = f"{_FUNCTIONS}test_each_line_of_the_page_is_so"
_BESIDE = f"{_FUNCTIONS}test_null_stays_null_beside_it"

GUARDS = (
    Guard(
        "strict",
        "what does not pass a sieve is NULL",
        _STRICT,
        "        return array, merged(found, rest)\n",
        "        return array, rest\n",
        "core/mapping/test_filters.py::test_each_line_of_the_page_is_so",
    ),
    Guard(
        "strict",
        "what the first of two functions does not take is NULL",
        _STRICT,
        "        return array, merged(problems, more)\n",
        "        return array, more\n",
        _LINES,
    ),
    Guard(
        "strict",
        "a value that is found by halving is another record's",
        _STRICT,
        "left_rows + [row + middle for row in right_rows]",
        "left_rows + right_rows",
        "core/mapping/test_conversions.py::test_what_is_found_by_halving_keeps_its_place",
    ),
    Guard(
        "empty_as_null",
        "an empty text is one before functions",
        "core/mapping/functions/catalogue.py",
        "missing.without_empty(kind, given.conversion, record_format)",
        "given.conversion",
        f"{_FUNCTIONS}test_empty_texts_are_null_before_functions_and_behind",
    ),
    Guard(
        "`mask`",
        "a text that has no more characters than are shown is shown",
        "core/mapping/functions/texts.py",
        "        if pc.any(short).as_py():\n",
        "        if pc.all(short).as_py() and False:\n",
        _LINES,
    ),
    Guard(
        "times",
        "a number that is too low for an instant becomes another one",
        "core/mapping/functions/moments.py",
        "        return pc.or_(pc.greater(values, high), pc.less(values, low))\n",
        "        return pc.greater(values, high)\n",
        f"{_FUNCTIONS}test_the_first_nanoseconds_of_all",
    ),
    Guard(
        "times",
        "what no clock can show is written all the same",
        "core/mapping/instants/shown_times.py",
        "        out |= there & ~within_calendar(local)\n",
        "",
        f"{_FUNCTIONS}test_instants_at_the_ends_of_the_calendar",
    ),
    Guard(
        "`base64`",
        "bits that are left over may be set",
        _PACKED,
        '    if text.endswith(b"=") and ',
        "    if not text and ",
        _LINES,
    ),
    Guard(
        "`base64`",
        "what is not of its alphabet is passed over",
        _PACKED,
        "base64.b64decode(text, validate=True)",
        "base64.b64decode(text)",
        _LINES,
    ),
    Guard(
        "`gunzip`",
        "bytes that end too early are unpacked as far as they go",
        _PACKED,
        "        if not reader.eof:\n",
        "        if False:\n",
        f"{_FUNCTIONS}test_gzip_is_whole_or_a_reject",
    ),
    Guard(
        "`gunzip`",
        "the first of several members is all",
        _PACKED,
        "        rest = reader.unused_data\n",
        '        rest = b""\n',
        f"{_FUNCTIONS}test_gzip_is_whole_or_a_reject",
    ),
    Guard(
        "`gunzip`",
        "any number of members is unpacked",
        _PACKED,
        "        if len(parts) == _MOST_MEMBERS:\n",
        "        if False:\n",
        f"{_FUNCTIONS}test_gzip_is_whole_or_a_reject",
    ),
    Guard(
        "`gunzip`",
        "a value is unpacked to whatever it holds",
        _PACKED,
        "parts.append(reader.decompress(rest, _LARGEST - size + 1))",
        "parts.append(reader.decompress(rest))",
        f"{_FUNCTIONS}test_no_more_is_unpacked_than_a_field_may_have",
    ),
    Guard(
        "`gunzip`",
        "the values of a batch are unpacked at once, whatever they hold",
        _PACKED,
        "            if left < 0 and len(values) > 1:\n",
        "            if left < 0 and not values:\n",
        "core/load/test_unpacking.py::test_every_row_is_loaded_once",
    ),
    Guard(
        "`gunzip`",
        "of a batch that is taken in parts, one part is loaded",
        "core/load/lanes/projecting.py",
        "    for start in range(0, len(batch), step):\n",
        "    for start in (0,):\n",
        "core/load/test_unpacking.py::test_every_row_is_loaded_once",
    ),
)
