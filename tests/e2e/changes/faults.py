"""What happens to the state folder and to STATE between two runs."""

import os
import shutil

# By name: how often, compared with the others.
WEIGHTS = {
    "nothing": 22, "state lost": 2, "older state": 3, "archive lost": 1, "archive entry damaged": 2, "archive entry lost": 2,
    "journal lost": 1, "journal copied": 1, "state folder lost": 1, "all lost": 1,
}
# After these a target that ignores ACTIVATE_VERSION can keep rows that the tap no longer knows.
LOSES_ROWS = {"archive lost", "archive entry damaged", "archive entry lost", "journal lost", "journal copied", "state folder lost", "all lost"}
ARCHIVE = (".archive", ".deleted")


def paths(folder, endings):
    if not os.path.isdir(folder):
        return []
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(endings))


def damage(path, rng):
    """Changes one byte of a file, or cuts it."""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if rng.random() < 0.3:
            file.truncate(rng.randrange(size))
            return
        place = rng.randrange(size)
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << rng.randrange(8)]))


def copy_back(path):
    """Restores a file from a copy, as from a backup."""
    shutil.copy2(path, path + ".backup")
    os.remove(path)
    os.rename(path + ".backup", path)


def apply(name, folder, states, current, rng):
    """Applies a fault; returns the STATE of the next run. `states` are those that were kept before."""
    archive, journals = paths(folder, ARCHIVE), paths(folder, ".journal.json")
    match name:
        case "archive lost":
            for path in archive:
                os.remove(path)
        case "archive entry damaged":
            if archive:
                damage(rng.choice(archive), rng)
        case "archive entry lost":
            if archive:
                os.remove(rng.choice(archive))
        case "journal lost":
            for path in journals:
                os.remove(path)
        case "journal copied":
            for path in journals:
                copy_back(path)
        case "state folder lost" | "all lost":
            shutil.rmtree(folder, ignore_errors=True)
    if name in ("state lost", "all lost"):
        return None
    older = [state for state in states[-4:] if state != current]
    return rng.choice(older) if name == "older state" and older else current
