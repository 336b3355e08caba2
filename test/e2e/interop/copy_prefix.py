"""Copies what is below s3://bucket/prefix into a folder, with boto3: python copy_prefix.py FROM TO"""

import os
import sys
from urllib.parse import urlparse

import boto3

url, folder = urlparse(sys.argv[1]), sys.argv[2]
prefix = url.path.strip("/") + "/"
client = boto3.client("s3")
for page in client.get_paginator("list_objects_v2").paginate(Bucket=url.netloc, Prefix=prefix):
    for found in page["Contents"]:
        target = os.path.join(folder, found["Key"][len(prefix):])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        client.download_file(url.netloc, found["Key"], target)
