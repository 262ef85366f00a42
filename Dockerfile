# docker build -t mer . && docker run --rm --network none -v "$PWD/out:/out" mer demo --out /out/demo
FROM python:3.11-slim

# OpenCV and MediaPipe need these two libraries.
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*

COPY . /src
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir "/src[app,numba]"

RUN useradd --create-home mer
USER mer
WORKDIR /home/mer
ENTRYPOINT ["mer"]
CMD ["demo", "--out", "demo"]
