"""The file by wssdk, whose schema it is."""

from __future__ import annotations

from report import report

from wssdk import ClientConfig


def load(path: str) -> ClientConfig:
    return ClientConfig.load(path, env_prefix="APP_")


if __name__ == "__main__":
    report(load)
