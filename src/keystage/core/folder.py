"""Which folder is the project's."""

from pathlib import Path

from keystage.core.errors import ProjectError


def project_folder(start: Path) -> Path:
    """The nearest folder at or above ``start`` with dvc.yaml and conf/, in a git repository.

    Raises:
        ProjectError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "dvc.yaml").is_file() and (folder / "conf").is_dir():
            break
    else:
        raise ProjectError(
            f"{start} is not in a keystage project",
            why="neither it nor a folder above holds dvc.yaml and conf/",
            fix="change into the project's folder",
        )
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        raise ProjectError(
            f"{folder} is not in a git repository",
            why="DVC keeps experiments in git, and a model's lineage names its commit",
            fix="git init && git add --all && git commit --message 'Start'",
        )
    if not (folder / ".dvc").is_dir():
        raise ProjectError(f"{folder} has no .dvc", why="DVC's settings stand there", fix="git restore .dvc")
    return folder
