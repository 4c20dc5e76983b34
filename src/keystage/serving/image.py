"""A folder from which an image is built that serves one version, without a registry and without the project."""

import shutil
from importlib.metadata import version
from pathlib import Path

from keystage.core.errors import ProjectError
from keystage.core.params import parse_yaml
from keystage.serving.served import MODEL_FILE, ServedModel
from keystage.serving.workers import HOME

SERVER_REQUIRES = ("fastapi", "uvicorn", "pyyaml")
_ROOMS = ("core", "registry", "serving")
_PROGRAMS = ("__init__.py", "adapters/__init__.py", "adapters/http_server.py", "adapters/mlflow_worker.py")
_LIBGOMP = """# LightGBM's threads.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
"""
_DOCKERFILE = """# {name}, served over HTTP. Build and run:
#   docker build --tag {tag} . && docker run --publish 8000:8000 {tag}
FROM python:{python}-slim
{system}WORKDIR /srv
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt
COPY app app
COPY model model
ENV PYTHONPATH=/srv/app PYTHONDONTWRITEBYTECODE=1
RUN useradd --no-create-home serving
USER serving
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/ready', timeout=3)"]
CMD ["python", "-m", "keystage.adapters.http_server", "model", "--name", "{name}", "--host", "0.0.0.0"]
"""


def write_image(model: ServedModel, folder: Path) -> None:
    """Write ``Dockerfile``, ``requirements.txt``, the model, and the part of keystage that serves it.

    Args:
        model: the version.
        folder: is made; an empty one will do.

    Raises:
        ProjectError: the folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder} is not empty", why="the image's files stand there alone", fix="name another")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(model.folder, folder / "model", ignore=ignored)
    home = folder / "app" / "keystage"
    for room in _ROOMS:
        shutil.copytree(HOME / room, home / room, ignore=ignored)
    for name in _PROGRAMS:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(HOME / name, home / name)
    required = (model.folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    known = {line.partition("==")[0].lower() for line in required}
    required += [f"{name}=={version(name)}" for name in SERVER_REQUIRES if name not in known]
    (folder / "requirements.txt").write_text("\n".join(required) + "\n", encoding="utf-8")
    told = parse_yaml((model.folder / MODEL_FILE).read_bytes(), MODEL_FILE)
    python = ".".join(str(told["flavors"]["python_function"]["python_version"]).split(".")[:2])
    text = _DOCKERFILE.format(
        name=model.name,
        tag=model.name.lower().replace("@", ":"),
        python=python,
        system=_LIBGOMP if "lightgbm" in known else "",
    )
    (folder / "Dockerfile").write_text(text, encoding="utf-8")
