"""The cases of masks: each rule in one table, with the results of Python's own masks, and a search of all that is stored."""

import hmac

from cases import compare, compare_second, load

KEY = "0123456789abcdef-mask-key"
REPORT = (
    "User ID,E-mail,Name,Phone,Contact,Born,Hired,Notes,Manager,Team\n"
    'u1,ada.lovelace@example.com,Ada Lovelace,030 7654321,"Ada <countess@example.org>",1985-12-10,2020-02-03T08:09:10Z,"frank, ""wordy""\nnotes",Charles Babbage,Engines\n'
    "u2,,,,,,,,,\n"
    "u3,grace@example.com,grace  hopper,+1 555 0100,admiral@example.net,1986-12-09,2021-03-04,bugs,Howard Aiken,Compilers\n"
)
# Parts of cells that no rule shows.
HIDDEN = [
    *["ada.lovelace", "Lovelace", "7654321", "countess", "1985-12-10", "2020-02-03", "wordy", "Babbage", "Engines"],
    *["grace@", "hopper", "555 0100", "admiral", "1986-12-09", "2021-03-04", "bugs", "Aiken", "Compilers"],
]

# By column: the rule, and what it makes of a cell.
RULES = {
    "user_id": ("keep", lambda cell: cell),
    "e_mail": ("hash", lambda cell: hmac.new(KEY.encode(), cell.encode(), "sha256").hexdigest()),
    "name": ("initials", lambda cell: " ".join(word[0].upper() + "." for word in cell.split())),
    "phone": ("partial:3", lambda cell: cell[:3] + "***"),
    "contact": ("domain", lambda cell: cell.rpartition("@")[2]),
    "born": ("year", lambda cell: cell[:4]),
    "hired": ("month", lambda cell: cell[:7]),
    "notes": ("drop", lambda cell: None),
    "manager": ("null", lambda cell: None),
    "team": ("redact", lambda cell: "redacted"),
}
MASKS = {"mask_key": KEY, "masks": {"user_report": {name: rule for name, (rule, _) in RULES.items()}}}


def masked_rows(rows):
    return [{name: RULES[name][1](cell) if name in RULES and cell else cell for name, cell in row.items()} for row in rows]


def hidden_parts(target, folder):
    """The hidden parts that are in a dump of all that the target stored."""
    stored = target.dump("user_report", folder)
    return [part for part in HIDDEN if part in stored]


def masked(tap, target, folder):
    """masked columns, one of each rule"""
    wanted, _ = load(tap, target, folder, REPORT, settings=MASKS)
    assert "notes" not in wanted[0]
    outcome = compare(target, folder, masked_rows(wanted))
    assert not hidden_parts(target, folder), f"stored: {hidden_parts(target, folder)}"
    return outcome


def masked_later(tap, target, folder):
    """columns that are masked after they were loaded"""
    before, state = load(tap, target, folder, REPORT)
    is_loaded = target.rows("user_report", folder) is not None
    assert not is_loaded or hidden_parts(target, folder) == HIDDEN, "the dump lacks what the first run loaded"
    wanted, _ = load(tap, target, folder, REPORT, settings=MASKS, state=state)
    outcome = compare_second(target, folder, before, masked_rows(wanted))
    if not is_loaded:
        return outcome
    if target.second in ("appended", "inserted"):
        return outcome + ", and the clear values of the first run stay"
    assert not hidden_parts(target, folder), f"stored: {hidden_parts(target, folder)}"
    return outcome + ", and no clear value is left"


CASES = [masked, masked_later]
