#!/usr/bin/env python3
"""Refuses addresses that are no longer in use, and holds messages that say so in their Subject."""
import json
import sys


def judge(question):
    if question["stage"] == "rcpt":
        if "+old@" in question["recipient"]:
            return {"verdict": "reject", "status": "5.1.1", "text": "No longer in use", "reason": "OLD"}
    if question["stage"] == "message":
        subject = [value for name, value in question["message"]["header"] if name.lower() == "subject"]
        if any("hold me" in value for value in subject):
            return {"verdict": "quarantine", "reason": "ASKED_FOR"}
        return {
            "verdict": "pass",
            "score": 0.5,
            "headerEdits": [{"edit": "prepend", "name": "X-Checked", "value": "by example.py"}],
        }
    return {"verdict": "pass"}


for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps({"id": question["id"], **judge(question)}), flush=True)
