"""Calls a gateway over TLS with the official SDKs, once whole and once as a stream each.

    secure.py PORT CA CREDENTIAL [CERTIFICATE KEY]

The credential is a key of the gateway's, a token, or any word where the certificate says who calls.
Prints a line a call, and ends with status 1 when any fails.
"""

import ssl
import sys

import anthropic
import openai
from google import genai
from google.genai import types

port, authority, credential = sys.argv[1:4]
base = f"https://localhost:{port}"
trust = ssl.create_default_context(cafile=authority)
if len(sys.argv) > 5:
    trust.load_cert_chain(sys.argv[4], sys.argv[5])
MESSAGES = [{"role": "user", "content": "hello [[mock chunks=5]]"}]


def openai_calls():
    client = openai.OpenAI(
        base_url=f"{base}/v1", api_key=credential, max_retries=0,
        http_client=openai.DefaultHttpxClient(verify=trust))
    made = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    yield "openai", made.choices[0].message.content
    stream = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    yield "openai, stream", "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def anthropic_calls():
    client = anthropic.Anthropic(
        base_url=base, api_key=credential, max_retries=0,
        http_client=anthropic.DefaultHttpxClient(verify=trust))
    arguments = dict(model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES)
    yield "anthropic", client.messages.create(**arguments).content[0].text
    with client.messages.stream(**arguments) as stream:
        yield "anthropic, stream", "".join(stream.text_stream)


def gemini_calls():
    client = genai.Client(
        api_key=credential,
        http_options=types.HttpOptions(base_url=base, client_args={"verify": trust}))
    arguments = dict(model="gemini-2.5-flash", contents="hello [[mock chunks=5]]")
    yield "google-genai", client.models.generate_content(**arguments).text
    stream = client.models.generate_content_stream(**arguments)
    yield "google-genai, stream", "".join(chunk.text or "" for chunk in stream)


failed = 0
for calls in (openai_calls, anthropic_calls, gemini_calls):
    try:
        for name, text in calls():
            print(f"{name}: {'answered' if text else 'empty'}", flush=True)
            failed += not text
    except Exception as error:
        print(f"{calls.__name__}: {type(error).__name__}: {error}", flush=True)
        failed += 1
sys.exit(1 if failed else 0)
