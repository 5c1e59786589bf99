"""Guards of what counts as an answer of the service: a commit, above all, is answered by a 200 with its JSON."""

from __future__ import annotations

from mutants.guard import Guard

_REPLIES, _REST = (
    "clients/maxcompute/connection/replies.py",
    "clients/maxcompute/connection/rest.py",
)
_TUNNEL, _UPLOAD = "clients/maxcompute/tunnel.py", "clients/maxcompute/upload.py"
_ANSWERS, _FAULTS = "clients/maxcompute/test_answers.py::", "clients/maxcompute/test_faults.py::"
_COMMITS = f"{_ANSWERS}test_only_the_services_own_word_is_a_commit"

GUARDS = (
    Guard(
        "the commit",
        "a redirect of it is followed",
        _REPLIES,
        "        return super().get_redirect_target(resp) if resp.request.method in _READING else None\n",
        "        return super().get_redirect_target(resp)\n",
        f"{_ANSWERS}test_a_commit_is_not_sent_on",
    ),
    Guard(
        "the commit",
        "it is sent by PyODPS's own connections, which follow redirects",
        _REST,
        "        return session_to(self.endpoint)\n",
        "        return super().session\n",
        f"{_ANSWERS}test_a_commit_is_not_sent_on",
    ),
    Guard(
        "the commit",
        "another status than 200 is success",
        _TUNNEL,
        "    check_status(reply, HTTPStatus.OK)\n",
        "",
        _COMMITS,
    ),
    Guard(
        "the commit",
        "any body is success",
        _TUNNEL,
        '    json_object(reply, ("UploadedBlockList", "UploadID"))\n',
        "",
        _COMMITS,
    ),
    Guard(
        "the commit",
        "any JSON is success",
        _TUNNEL,
        '    json_object(reply, ("UploadedBlockList", "UploadID"))\n',
        "    json_object(reply)\n",
        _COMMITS,
    ),
    Guard(
        "the commit",
        "the hook asks a second time by itself",
        _UPLOAD,
        "            self._tunnel.commit(self._id, self._retrier.once())\n",
        "            self._tunnel.commit(self._id, self._retrier)\n",
        f"{_FAULTS}test_a_commit_without_an_answer_is_not_repeated",
    ),
    Guard(
        "the commit",
        'an error of the server counts as "no"',
        _REST,
        "    if status == _TOO_SLOW or status in _SERVER_ERRORS or code_of(error) in _TROUBLE:\n",
        "    if status == _TOO_SLOW:\n",
        f"{_FAULTS}test_a_commit_without_an_answer_is_not_repeated",
    ),
    Guard(
        "the commit",
        "nobody compares the session's blocks with those that were written",
        _UPLOAD,
        "            self._check_blocks(self._tunnel.session(self._id), blocks)\n",
        "            self._tunnel.session(self._id)\n",
        f"{_FAULTS}test_stray_and_missing_blocks_are_never_committed",
    ),
    Guard(
        "the status",
        "every refusal means that the session is gone",
        _UPLOAD,
        "            if code_of(error) in _GONE and not is_foreign(error):\n",
        "            if True:\n",
        f"{_FAULTS}test_other_answers_about_a_session_say_nothing_of_it",
    ),
    Guard(
        "the status",
        "a word that nobody knows means an open session",
        _UPLOAD,
        ".upper(), UploadStatus.CLOSING)\n",
        ".upper(), UploadStatus.NORMAL)\n",
        f"{_FAULTS}test_every_status_has_its_meaning",
    ),
    Guard(
        "the status",
        "a commit under way means an open session",
        _UPLOAD,
        '    "COMMITTING": UploadStatus.CLOSING,\n',
        '    "COMMITTING": UploadStatus.NORMAL,\n',
        f"{_FAULTS}test_every_status_has_its_meaning",
    ),
    Guard(
        "a block",
        "any status that is no error is success",
        _REPLIES,
        "    check_status(reply, *_DONE)\n",
        "",
        f"{_ANSWERS}test_a_block_that_something_else_answered_is_written_again",
    ),
    Guard(
        "a block",
        "somebody else's page is success",
        _TUNNEL,
        "            check_empty(reply)\n",
        "",
        f"{_ANSWERS}test_a_block_that_something_else_answered_is_written_again",
    ),
    Guard(
        "a block",
        "an answer before its last row was sent is success",
        _TUNNEL,
        "            if not body.is_sent:\n",
        "            if False:\n",
        "clients/maxcompute/test_block_body.py::test_an_answer_before_the_last_row_was_sent_is_none",
    ),
    Guard(
        "a block",
        "a redirect is asked again until the deadline",
        _REPLIES,
        "    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST and target:\n",
        "    if False:\n",
        f"{_ANSWERS}test_a_block_is_not_sent_on",
    ),
    Guard(
        "an opening",
        "an answer without an id is a session",
        _TUNNEL,
        '        if not opened.get("UploadID"):\n',
        "        if False:\n",
        f"{_ANSWERS}test_an_opening_without_a_session_is_no_opening",
    ),
    Guard(
        "a statement",
        "it is sent again where its answer was lost",
        _REST,
        'kwargs.pop("repeatable", method.lower() in _REPEATABLE)',
        'kwargs.pop("repeatable", True)',
        f"{_FAULTS}test_a_statement_whose_answer_is_lost_is_not_sent_twice",
    ),
    Guard(
        "a statement",
        "somebody else's page is a result without rows",
        "clients/maxcompute/sql.py",
        '    json_object(reply, ("DownloadID",))\n',
        "    pass\n",
        f"{_ANSWERS}test_rows_that_something_else_answered_are_none",
    ),
)
