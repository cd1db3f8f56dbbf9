-- Beside the database of events, which the image of PostgreSQL makes.
CREATE DATABASE dagster;
CREATE DATABASE mlflow;
