"""Names that people bring from elsewhere: what peers take, as their published versions have it.

Without what is `BaseChatModel`'s own, which is taken by inheritance.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CONSTRUCTORS = {
    "langchain-openai 1.7.4, ChatOpenAI": _words("""
        api_key async_client base_url client context_management default_headers default_query
        disabled_params extra_body frequency_penalty http_async_client http_client
        http_socket_options include include_response_headers logit_bias logprobs
        max_completion_tokens max_retries max_tokens model model_kwargs model_name n
        openai_api_base openai_api_key openai_organization openai_proxy organization
        presence_penalty prompt_cache_options reasoning reasoning_effort request_timeout
        root_async_client root_client seed service_tier stop stop_sequences store
        stream_chunk_timeout stream_usage streaming temperature tiktoken_model_name timeout
        top_logprobs top_p truncation use_previous_response_id use_responses_api verbosity
    """),
    "langchain-openrouter 0.2.9, ChatOpenRouter": _words("""
        api_key app_categories app_title app_url base_url client default_headers
        frequency_penalty max_completion_tokens max_retries max_tokens model model_kwargs
        model_name n openrouter_api_base openrouter_api_key openrouter_provider plugins
        presence_penalty reasoning request_timeout route seed session_id stop stop_sequences
        stream_usage streaming temperature timeout top_p trace
    """),
    "langchain-aimlapi 0.1.3, ChatAimlapi": _words("""
        aimlapi_api_base aimlapi_api_key api_key async_client base_url client default_headers
        default_query disabled_params extra_body frequency_penalty http_async_client http_client
        include include_response_headers logit_bias logprobs max_retries max_tokens model
        model_kwargs model_name n openai_api_base openai_api_key openai_organization openai_proxy
        organization output_version presence_penalty reasoning reasoning_effort request_timeout
        root_async_client root_client seed service_tier stop stop_sequences store stream_usage
        streaming temperature tiktoken_model_name timeout top_logprobs top_p truncation
        use_previous_response_id use_responses_api verbosity
    """),
}
"""Fields and their aliases."""

CALLS = {
    "openai 3.57.0, chat.completions.create": _words("""
        audio extra_body extra_headers extra_query frequency_penalty function_call functions
        logit_bias logprobs max_completion_tokens max_tokens messages metadata modalities model
        moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key
        prompt_cache_options prompt_cache_retention reasoning_effort response_format
        safety_identifier seed service_tier stop store stream stream_options temperature timeout
        tool_choice tools top_logprobs top_p user verbosity web_search_options
    """),
    "openai 3.57.0, responses.create": _words("""
        access_programs background background_options context_management conversation extra_body
        extra_headers extra_query image include input instructions max_output_tokens
        max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt
        prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier
        service_tier store stream stream_options temperature text timeout tool_choice tools
        top_logprobs top_p truncation user
    """),
    "langchain-aimlapi 0.1.3, AimlapiLLM": _words("""
        aimlapi_api_key api_key base_url logprobs max_tokens model repetition_penalty temperature
        top_k top_p
    """),
}
"""What their calls take beside messages; `bind` and the constructor's `model_kwargs` alike."""

OF_0_1_3 = {
    "the package": _words("""
        AIMLAPI_HEADERS AimlapiEmbeddings AimlapiImageModel AimlapiLLM AimlapiVideoModel
        ChatAimlapi
    """),
    "modules": _words("chat_models constants embeddings image_models llms video_models"),
    "methods": _words("bind_functions"),
    "fields": CONSTRUCTORS["langchain-aimlapi 0.1.3, ChatAimlapi"],
}
"""The public names of langchain-aimlapi 0.1.3: of its chat model those that LangChain has not."""
