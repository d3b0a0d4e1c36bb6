import pytest

from scraper.errors import ConfigError
from scraper.settings import Layer, environment_layer, flag_layer, load_settings
from scraper.settings_table import Request

SECRET = "s3cr3t-v4lu3"


def of_a_host(**request: object) -> Layer:
    return Layer(source="shop.toml", values={}, hosts={"shop.org": {"request": request}})


RIGHT = {
    "a plain header": {"headers": {"X-Requested-With": "XMLHttpRequest"}},
    "a language": {"headers": {"Accept-Language": "de, en;q=0.5"}},
    "a secret header": {"headers": {"Authorization": "env:SHOP_TOKEN"}},
    "a plain cookie": {"cookies": {"consent": "yes"}},
    "a secret cookie": {"cookies": {"sessionid": "env:SHOP_SESSION"}},
    "basic": {"auth": "env:SHOP_LOGIN"},
    "bearer": {"bearer": "env:_T0KEN"},
    "a proxy": {"proxy": "http://proxy.shop.org:3128"},
    "a secret proxy": {"proxy": "env:SHOP_PROXY"},
}


@pytest.mark.parametrize("request_", RIGHT.values(), ids=RIGHT)
def test_what_a_site_may_be_told(request_):
    settings = load_settings(of_a_host(**request_)).for_host("www.shop.org")
    assert settings.request == Request.model_validate(request_)


WRONG = {
    "authorization": ({"headers": {"Authorization": f"Bearer {SECRET}"}}, "Authorization is"),
    "an API key": ({"headers": {"X-Api-Key": SECRET}}, "X-Api-Key is a secret"),
    "a token": ({"headers": {"x-shop-token": SECRET}}, "x-shop-token is a secret"),
    "bearer in another header": ({"headers": {"X-A": f"Bearer {SECRET}"}}, "X-A is a secret"),
    "a JWT": ({"headers": {"X-A": f"eyJhbGciOiJIUzI1NiJ9.{SECRET}"}}, "X-A is a secret"),
    "a session": ({"cookies": {"PHPSESSID": SECRET, "session": SECRET}}, "session is a secret"),
    "a password": ({"auth": f"user:{SECRET}"}, "request.auth: "),
    "a bare bearer": ({"bearer": SECRET}, "request.bearer: "),
    "a proxy's password": ({"proxy": f"http://u:{SECRET}@p.org:1"}, "the proxy's password"),
    "no proxy": ({"proxy": f"socks5://{SECRET}"}, "expected http://host:port, or env:NAME"),
    "both": ({"auth": "env:A", "bearer": "env:B"}, "exclude one another"),
    "no name of a variable": ({"headers": {"X-A": f"env:{SECRET} x"}}, "env: must be followed"),
    "a header of ours": ({"headers": {"User-Agent": SECRET}}, "User-Agent is not free"),
    "a header for cookies": ({"headers": {"cookie": "env:A"}}, "cookie is not free"),
    "the host": ({"headers": {"HOST": SECRET}}, "HOST is not free"),
    "no name": ({"headers": {"X A": SECRET}}, "'X A' is no name of a header"),
    "a line break": ({"headers": {"X-A": f"{SECRET}\r\nX-B: c"}}, "request.headers.X-A"),
    "two cookies in one": ({"cookies": {"a": f"{SECRET}; b=c"}}, "request.cookies.a"),
    "a number": ({"headers": 5}, "request.headers"),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "told"), WRONG.values(), ids=WRONG)
def test_what_is_refused_without_being_repeated(request_, told):
    with pytest.raises(ConfigError) as caught:
        load_settings(of_a_host(**request_))
    message = str(caught.value)
    assert message.startswith('shop.toml [hosts."shop.org"]: request')
    assert told in message
    assert SECRET not in message
    assert "\n" not in message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("layer", [
    Layer(source="shop.toml", values={"request": {"bearer": "env:A"}}, hosts={}),
    flag_layer(["request.bearer=env:A"]),
    environment_layer({"SCRAPER_REQUEST__BEARER": "env:A"}),
])  # fmt: skip
def test_what_is_for_one_site_is_told_to_no_other(layer):
    with pytest.raises(ConfigError, match=r'stands under it: \[hosts\."example.org"\.request\]'):
        load_settings(layer)


@pytest.mark.parametrize("proxy", [f"http://u:{SECRET}@p.org:1", f"http://{SECRET}@p.org"])
def test_the_proxy_of_all_hosts_holds_no_password(proxy):
    with pytest.raises(ConfigError, match="the proxy's password is a secret") as caught:
        load_settings(flag_layer([f"http.proxy={proxy}"]))
    assert SECRET not in str(caught.value)
